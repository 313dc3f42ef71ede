/* Follows /ws/jobs/<id>/events/ from a cursor; after a lost connection it goes on where it was. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20000;
const NOT_FOUND = 4404;

/** `after()` answers the last sequence shown; `onConnection(word, wasLost)` hears "live", "retrying" or "gone". */
export function followEvents({ url, after, onEvent, onState, onConnection }) {
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let lost = false;
  let socket = null;

  function open() {
    clearTimeout(timer);
    const address = new URL(url, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("after", String(after()));
    socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      onConnection("live", lost);
      lost = false;
    });
    socket.addEventListener("message", (message) => {
      let said;
      try {
        said = JSON.parse(message.data);
      } catch {
        return;
      }
      if (said.type === "state") onState();
      else if (!Number.isInteger(said.sequence)) return;
      else if (said.sequence > after() + 1) socket.close(); // a hole: ask again from the cursor
      else onEvent(said);
    });
    socket.addEventListener("close", (event) => {
      if (event.code === NOT_FOUND) {
        onConnection("gone", true);
        return;
      }
      lost = true;
      onConnection("retrying", true);
      timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    });
  }

  // Back from sleep or from offline: do not sit out the wait.
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
