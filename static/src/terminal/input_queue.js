/* What was typed and pasted, sent as far as the input window allows. */
import { INPUT_CHUNK } from "./protocol.js";

// Bytes of the window that only keystrokes may use, so that Ctrl-C gets through behind a paste.
const RESERVED = 4 * 1024;
const KEYSTROKE = 64;
const INTERRUPT = 3;

export class InputQueue {
  /** @type {Uint8Array[]} */
  pieces = [];
  window = 0;
  waiting = 0; // bytes not sent yet
  sent = 0;
  passed = 0; // bytes that reached the shell

  /** @param {(bytes: Uint8Array) => void} send puts a piece on the socket */
  constructor(send) {
    this.send = send;
  }

  /**
   * Start anew for a new socket: nothing is counted, nothing waits.
   *
   * @param {number} window bytes that may be sent and not yet acknowledged
   */
  begin(window) {
    this.window = window;
    this.pieces = [];
    this.waiting = 0;
    this.sent = this.passed = 0;
  }

  /**
   * Send `bytes`; what does not fit into the window is sent later.
   *
   * @param {Uint8Array} bytes
   */
  add(bytes) {
    // Ctrl-C is meant to stop what is left of a paste.
    if (bytes.length === 1 && bytes[0] === INTERRUPT) this.drop();
    for (let from = 0; from < bytes.length; from += INPUT_CHUNK) {
      this.pieces.push(bytes.subarray(from, from + INPUT_CHUNK));
    }
    this.waiting += bytes.length;
    this.#flush();
  }

  /**
   * Note that the shell received `total` bytes of this socket's input.
   *
   * @param {number} total
   */
  acknowledge(total) {
    this.passed = total;
    this.#flush();
  }

  /** Drop what was not sent yet. */
  drop() {
    this.pieces = [];
    this.waiting = 0;
  }

  /** Whether a part of a paste may be lost if the connection breaks now. */
  get unsure() {
    return this.waiting > 0 || this.sent - this.passed > RESERVED * 4;
  }

  #flush() {
    while (this.pieces.length) {
      const next = this.pieces[0];
      const reserved = next.length > KEYSTROKE ? RESERVED : 0;
      if (next.length > this.window - reserved - (this.sent - this.passed)) return;
      this.pieces.shift();
      this.waiting -= next.length;
      this.sent += next.length;
      this.send(next);
    }
  }
}
