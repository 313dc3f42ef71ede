/* WebGL draws many times faster than the DOM, but a browser has few contexts and takes them away at will. */
import { WebglAddon } from "@xterm/addon-webgl";

export class Renderer {
  constructor(terminal) {
    this.terminal = terminal;
    this.addon = null;
    this.failed = false;
  }

  /** Which one draws: "webgl" or "dom". */
  get kind() {
    return this.addon ? "webgl" : "dom";
  }

  /** Draw with WebGL if that works here. */
  use() {
    if (this.addon || this.failed) return;
    const addon = new WebglAddon();
    // Many terminals, sleep, a driver that crashed: the DOM renderer goes on, and the next showing tries again.
    addon.onContextLoss(() => this.rest());
    try {
      this.terminal.loadAddon(addon);
      this.addon = addon;
    } catch {
      this.failed = true; // no WebGL in this browser
      addon.dispose();
    }
  }

  /** Give the context back. */
  rest() {
    const addon = this.addon;
    this.addon = null;
    addon?.dispose();
  }
}
