/* Draws a terminal with WebGL while possible: much faster than the DOM, but a browser has few contexts and may take them away. */
import { WebglAddon } from "@xterm/addon-webgl";

export class Renderer {
  /** @param {import("@xterm/xterm").Terminal} terminal */
  constructor(terminal) {
    this.terminal = terminal;
    /** @type {WebglAddon | null} */
    this.addon = null;
    this.failed = false;
  }

  /** What draws now: "webgl" or "dom". */
  get kind() {
    return this.addon ? "webgl" : "dom";
  }

  /** Draw with WebGL if it works in this browser. */
  use() {
    if (this.addon || this.failed) return;
    const addon = new WebglAddon();
    // Many terminals, sleep, a driver that crashed: the DOM renderer continues, and the next `use` tries again.
    addon.onContextLoss(() => this.rest());
    try {
      this.terminal.loadAddon(addon);
      this.addon = addon;
    } catch {
      this.failed = true; // no WebGL in this browser
      addon.dispose();
    }
  }

  /** Release the WebGL context. */
  rest() {
    const addon = this.addon;
    this.addon = null;
    addon?.dispose();
  }
}
