/* One terminal session: its socket, its place in the output, and coming back after the line broke. Knows no xterm.
 *
 * Events: "state" (this.state changed), "ready" (detail: READY), "output" (detail: {data, end}), "notice" (detail:
 * sentence), "frame" (detail: {opcode, payload}, one that this client does not know).
 * States: connecting, open, reconnecting, ended (the shell is gone), refused (only this socket may not be there).
 */
import { Acknowledger } from "./acknowledger.js";
import { socketAddress } from "./address.js";
import { endOf } from "./close_codes.js";
import { InputQueue } from "./input_queue.js";
import { word } from "./kit.js";
import { LineWatch, whenBack } from "./line_watch.js";
import * as protocol from "./protocol.js";

const BACK_OFF_SECONDS = [1, 2, 4, 8, 15];
const OPENING_MILLISECONDS = 10_000;
const LINE_LOST = { code: 1006, reason: "" };

export class Session extends EventTarget {
  /** `id` (known at READY, too) and `url` as the API names them; `offset`: everything before it is on the screen already. */
  constructor(id, url, offset = 0) {
    super();
    Object.assign(this, { id, url: socketAddress(url) });
    this.state = "connecting";
    this.ready = null;
    this.end = null;
    this.retryAt = 0;
    this.attempts = 0;
    this.size = { cols: 80, rows: 24 };
    this.received = offset;
    this.socket = null;
    this.acknowledger = new Acknowledger((upTo) => this.#send(protocol.ack(upTo)));
    this.acknowledger.begin(offset);
    this.input = new InputQueue((bytes) => this.#send(protocol.input(bytes)));
    this.watch = new LineWatch(() => this.#send(protocol.ping()), () => this.#drop());
    this.listeners = new AbortController();
    whenBack(() => this.#lookNow(), this.listeners.signal);
  }

  /** Bytes of output on the screen. */
  get shown() {
    return this.acknowledger.drawn;
  }

  /** Open the socket. */
  connect() {
    clearTimeout(this.retryTimer);
    const socket = new WebSocket(this.url, protocol.SUBPROTOCOL);
    this.socket = socket;
    this.greeted = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.socket === socket && this.#greet();
    socket.onmessage = (event) => this.socket === socket && this.#take(event.data);
    socket.onclose = (event) => this.socket === socket && this.#lost(event);
    clearTimeout(this.openTimer);
    this.openTimer = setTimeout(() => this.#drop(), OPENING_MILLISECONDS);
    this.#setState(this.ready ? "reconnecting" : "connecting");
  }

  /** Try again without waiting; also where the portal did not let this socket stay. */
  retryNow() {
    const before = this.socket;
    this.socket = null;
    before?.close();
    this.connect();
  }

  /** Pass input (Uint8Array) on. While the line is down it is refused: answers whether it was taken. */
  type(bytes) {
    if (this.state !== "open") return false;
    this.input.add(bytes);
    return true;
  }

  /** The terminal has this size. */
  resize(cols, rows) {
    this.size = { cols, rows };
    if (this.state === "open") this.#send(protocol.resize(cols, rows));
  }

  /** Everything before `offset` is on the screen. */
  drew(offset) {
    this.acknowledger.drew(offset);
    if (!this.greeted) this.#greet();
  }

  /** End the shell for good. Answers whether the portal could be told over this line. */
  closeShell() {
    const told = this.socket?.readyState === WebSocket.OPEN && this.state === "open";
    if (told) this.socket.send(protocol.close());
    this.leave();
    return told;
  }

  /** Drop the socket; the shell waits a while for somebody to come back. */
  leave() {
    this.listeners.abort();
    this.#quiet();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  // HELLO waits until all that came before is drawn: what is under way never exceeds one window, across sockets too.
  #greet() {
    if (this.socket?.readyState !== WebSocket.OPEN || this.greeted || this.shown < this.received) return;
    this.greeted = true;
    clearTimeout(this.openTimer);
    this.watch.start();
    this.#send(protocol.hello(this.received, this.size.cols, this.size.rows));
  }

  #take(buffer) {
    this.watch.heard();
    const frame = protocol.decode(buffer);
    switch (frame.kind) {
      case "output":
        return this.#output(frame);
      case "ready":
        this.received = frame.offset;
        this.acknowledger.begin(frame.offset);
        this.input.begin(frame.inputWindow);
        this.ready = frame;
        this.id = frame.session;
        this.attempts = 0;
        this.#tell("ready", frame);
        this.#setState("open");
        return this.resize(this.size.cols, this.size.rows);
      case "inputAck":
        return this.input.acknowledge(frame.total);
      case "notice":
        return this.#tell("notice", frame.message);
      case "end":
        return this.#ended(frame);
      case "unknown":
        return this.#tell("frame", frame);
    }
  }

  #output({ offset, data }) {
    const known = Math.max(0, this.received - offset);
    if (known >= data.length) return;
    this.received = offset + data.length;
    this.#tell("output", { data: data.subarray(known), end: this.received });
  }

  #ended(end) {
    this.#quiet();
    this.end = end;
    this.#setState(end.final ? "ended" : "refused");
  }

  #lost(event) {
    this.#quiet();
    this.socket = null;
    if (this.state === "ended" || this.state === "refused") return;
    if (endOf(event.code)) return this.#ended(endOf(event.code));
    if (this.input.unsure) this.#tell("notice", word("input-dropped"));
    this.input.drop(); // never type twice what may have arrived
    const seconds = BACK_OFF_SECONDS[Math.min(this.attempts, BACK_OFF_SECONDS.length - 1)];
    this.attempts += 1;
    this.retryAt = Date.now() + seconds * 1000;
    this.retryTimer = setTimeout(() => this.connect(), seconds * 1000);
    this.#setState("reconnecting");
  }

  // The line is dead and the browser does not know it, or it takes too long to open.
  #drop() {
    const dead = this.socket;
    this.socket = null;
    dead?.close();
    this.#lost(LINE_LOST);
  }

  #lookNow() {
    if (this.state === "reconnecting" && this.socket === null) this.retryNow();
    else if (this.state === "open") this.watch.probe();
  }

  #quiet() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.openTimer);
    this.watch.stop();
    this.acknowledger.stop();
  }

  #send(bytes) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #setState(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
