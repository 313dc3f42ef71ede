/* One terminal session: its socket, its place in the output, and connecting again. Independent of xterm.js.
 *
 * Events: "state" (this.state changed), "ready" (detail: READY), "output" (detail: {data, end}), "notice" (detail:
 * sentence), "frame" (detail: {opcode, payload} of a frame that is unknown here).
 * States: connecting, open, reconnecting, ended (the shell is gone), refused (only this socket may not be there).
 */
import { Acknowledger } from "./acknowledger.js";
import { socketAddress } from "./address.js";
import { endOf } from "./close_codes.js";
import { InputQueue } from "./input_queue.js";
import { word } from "./kit.js";
import { ConnectionWatch, whenBack } from "./connection_watch.js";
import * as protocol from "./protocol.js";

const BACK_OFF_SECONDS = [1, 2, 4, 8, 15];
const OPENING_MILLISECONDS = 10_000;
const ABNORMAL_CLOSURE = 1006;

/** @typedef {{ cols: number, rows: number }} Size */

export class Session extends EventTarget {
  wasOpen = false;
  greeted = false;
  /** @type {number | undefined} */
  retryTimer = undefined;
  /** @type {number | undefined} */
  openTimer = undefined;

  /**
   * @param {string | null} id as in the API; null: READY tells it
   * @param {string} url of the websocket, as in the API
   * @param {number} offset everything before it is on the screen already
   */
  constructor(id, url, offset = 0) {
    super();
    this.id = id;
    this.url = socketAddress(url);
    /** @type {"connecting" | "open" | "reconnecting" | "ended" | "refused"} */
    this.state = "connecting";
    /** @type {protocol.Ready | null} */
    this.ready = null;
    /** @type {protocol.End | null} */
    this.end = null;
    this.retryAt = 0;
    this.attempts = 0;
    /** @type {Size} */
    this.size = { cols: 80, rows: 24 };
    this.received = offset;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.acknowledger = new Acknowledger((upTo) => this.#send(protocol.ack(upTo)));
    this.acknowledger.begin(offset);
    this.input = new InputQueue((bytes) => this.#send(protocol.input(bytes)));
    this.watch = new ConnectionWatch(() => this.#send(protocol.ping()), () => this.#drop());
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
    socket.onmessage = (event) => this.socket === socket && this.#receive(event.data);
    socket.onclose = (event) => this.socket === socket && this.#lost(event.code);
    clearTimeout(this.openTimer);
    this.openTimer = setTimeout(() => this.#drop(), OPENING_MILLISECONDS);
    this.#setState(this.ready ? "reconnecting" : "connecting");
  }

  /** Connect again without waiting, also after a refusal. */
  retryNow() {
    const before = this.socket;
    this.socket = null;
    before?.close();
    this.connect();
  }

  /**
   * Send input. Return false while there is no connection: nothing is sent then.
   *
   * @param {Uint8Array} bytes
   */
  type(bytes) {
    if (this.state !== "open") return false;
    this.input.add(bytes);
    return true;
  }

  /**
   * Tell the portal the size of the terminal.
   *
   * @param {number} cols
   * @param {number} rows
   */
  resize(cols, rows) {
    this.size = { cols, rows };
    if (this.state === "open") this.#send(protocol.resize(cols, rows));
  }

  /**
   * Note that everything before `offset` is on the screen.
   *
   * @param {number} offset
   */
  drew(offset) {
    this.acknowledger.drew(offset);
    if (!this.greeted) this.#greet();
  }

  /** End the shell for good. Return whether the portal could be told over this connection. */
  closeShell() {
    const told = this.socket?.readyState === WebSocket.OPEN && this.state === "open";
    if (told) this.#send(protocol.close());
    this.leave();
    return told;
  }

  /** Drop the socket. The shell waits for a while for a new one. */
  leave() {
    this.listeners.abort();
    this.#stopTimers();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  // HELLO is sent once all earlier output is drawn, so that no more than one window is under way, across sockets too.
  #greet() {
    if (this.socket?.readyState !== WebSocket.OPEN || this.greeted || this.shown < this.received) return;
    this.greeted = true;
    clearTimeout(this.openTimer);
    this.watch.start();
    this.#send(protocol.hello(this.received, this.size.cols, this.size.rows));
  }

  /** @param {ArrayBuffer} buffer */
  #receive(buffer) {
    this.watch.heard();
    const frame = protocol.decode(buffer);
    switch (frame.kind) {
      case "output":
        this.#output(frame);
        break;
      case "ready":
        this.#begin(frame);
        break;
      case "inputAck":
        this.input.acknowledge(frame.total);
        break;
      case "notice":
        this.#tell("notice", frame.message);
        break;
      case "end":
        this.#ended(frame);
        break;
      case "unknown":
        this.#tell("frame", frame);
        break;
    }
  }

  /** @param {protocol.Ready} ready */
  #begin(ready) {
    this.received = ready.offset;
    this.acknowledger.begin(ready.offset);
    this.input.begin(ready.inputWindow);
    this.ready = ready;
    this.id = ready.session;
    this.attempts = 0;
    this.#tell("ready", ready);
    this.#setState("open");
    this.resize(this.size.cols, this.size.rows);
  }

  /** @param {protocol.Output} frame */
  #output({ offset, data }) {
    const known = Math.max(0, this.received - offset);
    if (known >= data.length) return;
    this.received = offset + data.length;
    this.#tell("output", { data: data.subarray(known), end: this.received });
  }

  /** @param {protocol.End} end */
  #ended(end) {
    this.#stopTimers();
    this.end = end;
    this.#setState(end.final ? "ended" : "refused");
  }

  /** @param {number} code of the closed socket */
  #lost(code) {
    this.#stopTimers();
    this.socket = null;
    if (this.state === "ended" || this.state === "refused") return;
    const end = endOf(code);
    if (end) {
      this.#ended(end);
      return;
    }
    if (this.input.unsure) this.#tell("notice", word("input-dropped"));
    this.input.drop(); // it may have arrived: never send it twice
    const seconds = BACK_OFF_SECONDS[Math.min(this.attempts, BACK_OFF_SECONDS.length - 1)];
    this.attempts += 1;
    this.retryAt = Date.now() + seconds * 1000;
    this.retryTimer = setTimeout(() => this.connect(), seconds * 1000);
    this.#setState("reconnecting");
  }

  // The connection is dead and the browser does not know it, or it takes too long to open.
  #drop() {
    const dead = this.socket;
    this.socket = null;
    dead?.close();
    this.#lost(ABNORMAL_CLOSURE);
  }

  #lookNow() {
    if (this.state === "reconnecting" && this.socket === null) this.retryNow();
    else if (this.state === "open") this.watch.probe();
  }

  #stopTimers() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.openTimer);
    this.watch.stop();
    this.acknowledger.stop();
  }

  /** @param {BufferSource} bytes */
  #send(bytes) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {Session["state"]} state */
  #setState(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
