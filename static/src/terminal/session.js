/* One terminal session: its socket, acknowledgements, input window and reconnecting. Knows no xterm.
 *
 * Events: "state" (this.state changed), "output" (detail: Uint8Array), "notice" (detail: sentence).
 * States: connecting, open, reconnecting, ended (final: the shell is gone), refused (this socket may not be there).
 */
import * as protocol from "./protocol.js";
import { words } from "./words.js";

const BACK_OFF = [1, 2, 4, 8, 15];
const ACK_BYTES = 32 * 1024;
const ACK_MILLISECONDS = 60;
const PING_MILLISECONDS = 15_000;
const SILENCE_MILLISECONDS = 40_000;
// Keystrokes may use what a paste must leave free, so that Ctrl-C gets through.
const RESERVED_INPUT = 4 * 1024;

const NOT_SIGNED_IN = 4401;
const NOT_FOUND = 4404;
const NO_RETRY = [1000, 4400, 4403, 4409];

export class Session extends EventTarget {
  constructor(url) {
    super();
    this.url = socketUrl(url);
    this.state = "connecting";
    this.ready = null;
    this.end = null;
    this.retryAt = 0;
    this.size = { cols: 80, rows: 24 };
    this.received = 0;
    this.shown = 0;
    this.acked = 0;
    this.queue = [];
    this.attempts = 0;
    this.online = () => this.state === "reconnecting" && this.retryNow();
    window.addEventListener("online", this.online);
  }

  /** Open the socket. */
  connect() {
    clearTimeout(this.retryTimer);
    this.#setState(this.ready ? "reconnecting" : "connecting");
    this.inputSent = this.inputPassed = 0;
    this.heard = performance.now();
    const socket = new WebSocket(this.url, protocol.SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(protocol.hello(this.received, this.size.cols, this.size.rows));
    socket.onmessage = (event) => this.socket === socket && this.#take(event.data);
    socket.onclose = (event) => this.socket === socket && this.#lost(event);
    this.socket = socket;
    clearInterval(this.pinging);
    this.pinging = setInterval(() => this.#ping(), PING_MILLISECONDS);
  }

  /** Try again without waiting. */
  retryNow() {
    this.attempts = 0;
    this.connect();
  }

  /** Pass input (Uint8Array) on as far as the input window allows; the rest follows. */
  type(bytes) {
    if (this.state !== "open") return;
    const interrupts = bytes.length === 1 && bytes[0] === 3;
    if (interrupts) this.queue = []; // what is left of a paste is what Ctrl-C means to stop
    for (let from = 0; from < bytes.length; from += protocol.INPUT_CHUNK) {
      this.queue.push(bytes.subarray(from, from + protocol.INPUT_CHUNK));
    }
    this.#flush();
  }

  /** The terminal has a new size. */
  resize(cols, rows) {
    this.size = { cols, rows };
    if (this.state === "open") this.#send(protocol.resize(cols, rows));
  }

  /** `length` more bytes of output are on the screen. */
  showed(length) {
    this.shown += length;
    if (this.shown - this.acked >= ACK_BYTES) this.#acknowledge();
    else this.ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_MILLISECONDS);
  }

  /** End the shell for good. */
  closeShell() {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(protocol.close());
    this.leave();
  }

  /** The terminal session's id, once it is known. */
  get id() {
    return this.ready?.session;
  }

  /** Drop the socket; the shell waits a while for somebody to come back. */
  leave() {
    window.removeEventListener("online", this.online);
    clearTimeout(this.retryTimer);
    clearTimeout(this.ackTimer);
    clearInterval(this.pinging);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  #take(buffer) {
    this.heard = performance.now();
    const frame = protocol.decode(buffer);
    switch (frame.kind) {
      case "output":
        this.shown += frame.offset - this.received; // a gap: bytes no longer kept, a notice told of them
        this.received = frame.offset + frame.data.length;
        this.dispatchEvent(new CustomEvent("output", { detail: frame.data }));
        break;
      case "ready":
        // Bytes that are no longer kept count as shown; there is nothing to acknowledge for them.
        this.shown += frame.offset - this.received;
        this.received = frame.offset;
        this.ready = frame;
        this.attempts = 0;
        this.#setState("open");
        this.resize(this.size.cols, this.size.rows);
        break;
      case "inputAck":
        this.inputPassed = frame.total;
        this.#flush();
        break;
      case "unknown":
        this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
        break;
      case "notice":
        this.#say(frame.message);
        break;
      case "end":
        this.end = frame;
        this.#setState(frame.final ? "ended" : "refused");
        break;
    }
  }

  #lost(event) {
    clearInterval(this.pinging);
    if (this.state === "ended" || this.state === "refused") return;
    if (event.code === NOT_FOUND || event.code === NOT_SIGNED_IN || NO_RETRY.includes(event.code)) {
      const message = event.code === NOT_SIGNED_IN ? words.signInAgain : words.notFound;
      const reason = event.code === NOT_SIGNED_IN ? "not_signed_in" : event.reason || "closed";
      this.end = { reason, message, final: true, exitStatus: null };
      this.#setState("ended");
      return;
    }
    if (this.queue.length || this.inputSent - this.inputPassed > RESERVED_INPUT) this.#say(words.inputDropped);
    this.queue = []; // never type twice what may have arrived
    const seconds = BACK_OFF[Math.min(this.attempts, BACK_OFF.length - 1)];
    this.attempts += 1;
    this.retryAt = Date.now() + seconds * 1000;
    this.retryTimer = setTimeout(() => this.connect(), seconds * 1000);
    this.#setState("reconnecting");
  }

  #flush() {
    while (this.queue.length && this.socket?.readyState === WebSocket.OPEN) {
      const next = this.queue[0];
      const reserved = next.length > 64 ? RESERVED_INPUT : 0;
      const room = this.ready.inputWindow - reserved - (this.inputSent - this.inputPassed);
      if (next.length > room) return;
      this.queue.shift();
      this.inputSent += next.length;
      this.#send(protocol.input(next));
    }
  }

  #acknowledge() {
    clearTimeout(this.ackTimer);
    this.ackTimer = undefined;
    if (this.state !== "open" || this.shown <= this.acked) return;
    this.acked = this.shown;
    this.#send(protocol.ack(this.acked));
  }

  #ping() {
    if (performance.now() - this.heard > SILENCE_MILLISECONDS) {
      // Nothing came for long, not even an answer to our pings: the line is dead and the browser does not know it.
      const dead = this.socket;
      this.#lost({ code: 1006, reason: "" });
      this.socket = null;
      dead?.close();
      return;
    }
    this.#send(protocol.ping());
  }

  #send(bytes) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  #say(sentence) {
    this.dispatchEvent(new CustomEvent("notice", { detail: sentence }));
  }

  #setState(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

// The path is the API's; the host is ours: a proxy may have told the portal another name than the page was opened with.
function socketUrl(url) {
  const { pathname, search } = new URL(url, window.location.href);
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${window.location.host}${pathname}${search}`;
}
