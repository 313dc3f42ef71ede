/* Shows how long a shell nobody types in has left: IDLE frames of the portal, counted down each second. Any key stops it. */
import { word } from "./kit.js";

const IDLE = 0x88;
const OVER = ["ended", "refused"];

/** Called once with each <headnode-terminal> when it is built. */
export function countDown(terminal) {
  let timer = 0;

  terminal.addEventListener("headnode:frame", ({ detail }) => {
    if (detail.opcode !== IDLE) return;
    const { secondsLeft } = JSON.parse(new TextDecoder().decode(detail.payload));
    stop();
    if (secondsLeft !== null) start(performance.now() + secondsLeft * 1000);
  });
  terminal.addEventListener("headnode:state", () => {
    if (OVER.includes(terminal.dataset.state)) stop();
  });

  function start(end) {
    const show = (quiet) => {
      const left = clock(Math.max(0, end - performance.now()));
      terminal.indicators.set("idle", { text: word("closes-in", { left }), tone: "bad", title: word("any-key-keeps"), quiet });
    };
    show(false);
    timer = setInterval(show, 1000, true);
  }

  function stop() {
    clearInterval(timer);
    terminal.indicators.clear("idle");
  }
}

/** "1:59" for milliseconds. */
function clock(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
