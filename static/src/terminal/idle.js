/* Shows the time an idle shell has left, from the portal's IDLE frames. Any key stops the countdown. */
import { word } from "./kit.js";

const IDLE = 0x88;
const OVER = ["ended", "refused"];

/**
 * Called once with each terminal when it is built.
 *
 * @param {import("./element.js").HeadnodeTerminal} terminal
 */
export function countDown(terminal) {
  let timer = 0;

  terminal.addEventListener("headnode:frame", ({ detail }) => {
    if (detail.opcode !== IDLE) return;
    const { secondsLeft } = JSON.parse(new TextDecoder().decode(detail.payload));
    stop();
    if (secondsLeft !== null) start(performance.now() + secondsLeft * 1000);
  });
  terminal.addEventListener("headnode:state", () => {
    if (OVER.includes(terminal.dataset.state ?? "")) stop();
  });

  /** @param {number} end on the clock of performance.now() */
  function start(end) {
    /** @param {boolean} quiet */
    const show = (quiet) => {
      const left = clock(Math.max(0, end - performance.now()));
      const text = word("closes-in", { left });
      terminal.indicators.set("idle", { text, tone: "bad", title: word("any-key-keeps"), quiet });
    };
    show(false);
    timer = setInterval(show, 1000, true);
  }

  function stop() {
    clearInterval(timer);
    terminal.indicators.clear("idle");
  }
}

/**
 * Return milliseconds as minutes and seconds: 119000 -> "1:59".
 *
 * @param {number} milliseconds
 */
export function clock(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
