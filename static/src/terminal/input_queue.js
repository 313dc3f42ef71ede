/* What was typed and pasted, passed on as far as the input window allows. */
import { INPUT_CHUNK } from "./protocol.js";

// Keystrokes may use what a paste must leave free, so that Ctrl-C gets through behind it.
const RESERVED = 4 * 1024;
const KEYSTROKE = 64;
const INTERRUPT = 3;

export class InputQueue {
  /** `send(bytes)` puts a piece on the socket. */
  constructor(send) {
    this.send = send;
    this.begin(0);
  }

  /** A new socket with its own window: counts start again, nothing waits. */
  begin(window) {
    this.window = window;
    this.pieces = [];
    this.waiting = 0;
    this.sent = this.passed = 0;
  }

  /** Pass `bytes` (Uint8Array) on; what does not fit follows by itself. */
  add(bytes) {
    // What is left of a paste is what Ctrl-C means to stop.
    if (bytes.length === 1 && bytes[0] === INTERRUPT) this.drop();
    for (let from = 0; from < bytes.length; from += INPUT_CHUNK) {
      this.pieces.push(bytes.subarray(from, from + INPUT_CHUNK));
    }
    this.waiting += bytes.length;
    this.#flush();
  }

  /** The shell took `total` bytes of this socket's input. */
  acknowledge(total) {
    this.passed = total;
    this.#flush();
  }

  /** Forget what was not sent yet. */
  drop() {
    this.pieces = [];
    this.waiting = 0;
  }

  /** Whether a line that breaks now may take a part of a paste with it. */
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
