/* Follows /ws/jobs/<id>/events/ from a cursor; after a lost connection it continues where it was. */

/** @typedef {{ sequence: number, time: string, source: string, level: string, node: string, message: string }} JobEvent */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20000;
const NOT_FOUND = 4404;

/**
 * Follow the events of a job.
 *
 * @param {object} options
 * @param {string} options.url
 * @param {() => number} options.after returns the last sequence number that is shown
 * @param {(event: JobEvent) => void} options.onEvent
 * @param {() => void} options.onState called when the state of the job changed
 * @param {(state: "live" | "retrying" | "gone", wasLost: boolean) => void} options.onConnection
 */
export function followEvents({ url, after, onEvent, onState, onConnection }) {
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let lost = false;
  /** @type {WebSocket | null} */
  let socket = null;

  function open() {
    clearTimeout(timer);
    const address = new URL(url, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("after", String(after()));
    const opened = new WebSocket(address);
    socket = opened;
    opened.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      onConnection("live", lost);
      lost = false;
    });
    opened.addEventListener("message", (message) => {
      let said;
      try {
        said = JSON.parse(message.data);
      } catch {
        return;
      }
      if (said.type === "state") onState();
      else if (!Number.isInteger(said.sequence)) return;
      else if (said.sequence > after() + 1) opened.close(); // events are missing: connect again from the cursor
      else onEvent(said);
    });
    opened.addEventListener("close", (event) => {
      if (event.code === NOT_FOUND) {
        lost = false; // do not connect again
        onConnection("gone", true);
        return;
      }
      lost = true;
      onConnection("retrying", true);
      timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    });
  }

  // After sleep, or once there is a network again, connect without waiting.
  const hurry = () => {
    if (socket?.readyState === WebSocket.CLOSED && lost) {
      wait = FIRST_WAIT_MS;
      open();
    }
  };
  window.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.hidden || hurry());
  open();
}
