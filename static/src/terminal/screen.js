/* The screen: xterm.js with its addons, fonts, themes and the fit to its box. */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { SerializeAddon } from "@xterm/addon-serialize";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { Terminal } from "@xterm/xterm";
import { drawAtSize } from "./hold_size.js";
import { addLinks } from "./links.js";
import { preferences } from "./preferences.js";
import { Renderer } from "./renderer.js";
import { theme } from "./themes.js";

const FONT = '"IBM Plex Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, monospace';
const SCROLLBACK = 10_000;
const FONT_MILLISECONDS = 1500;
const RESIZE_MILLISECONDS = 90;

/** @typedef {import("./session.js").Size} Size */

export class Screen {
  opened = false;
  /** @type {Size | null} the size that somebody else chose */
  held = null;
  /** @type {number | undefined} */
  fitting = undefined;
  /** @type {ResizeObserver | undefined} */
  resizes = undefined;

  /**
   * @param {HTMLElement} box the element to fill
   * @param {Partial<Size>} size until it is shown
   */
  constructor(box, size = {}) {
    this.box = box;
    this.terminal = new Terminal({
      ...size,
      allowProposedApi: true, // needed by Unicode widths and the marks of a search
      cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: FONT,
      fontSize: preferences.fontSize,
      lineHeight: 1.2,
      fontWeightBold: "500",
      scrollback: SCROLLBACK,
      minimumContrastRatio: 4.5,
      macOptionIsMeta: preferences.get("optionIsMeta"),
      macOptionClickForcesSelection: true,
      overviewRuler: { width: 12 },
    });
    this.fitter = new FitAddon();
    this.search = new SearchAddon({ highlightLimit: 5000 });
    this.serializer = new SerializeAddon();
    this.terminal.loadAddon(this.fitter);
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(this.serializer);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = "11";
    addLinks(this.terminal, box);
    this.renderer = new Renderer(this.terminal);
    this.fontSize = preferences.fontSize;
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    preferences.addEventListener("change", () => this.#follow(), { signal });
    document.documentElement.addEventListener("headnode:theme", () => this.#follow(), { signal });
    document.addEventListener("visibilitychange", () => this.#followVisibility(), { signal });
    this.#followVisibility();
    this.#follow();
  }

  /** Put it on the page, or show it again. The fonts are loaded first, because cells are measured once. */
  async show() {
    if (!this.opened) {
      const fonts = [400, 500].map((weight) => document.fonts.load(`${weight} 14px ${FONT}`));
      await Promise.race([
        Promise.allSettled(fonts),
        new Promise((resolve) => setTimeout(resolve, FONT_MILLISECONDS)),
      ]);
      if (this.opened || this.listeners.signal.aborted) return;
      this.opened = true;
      this.terminal.open(this.box);
      this.resizes = new ResizeObserver(() => this.#fitSoon());
      this.resizes.observe(this.box);
    }
    this.renderer.use();
    this.fit();
  }

  /** Release what is scarce while it is out of sight. */
  hide() {
    this.renderer.rest();
  }

  /** Fit columns and rows to the box. */
  fit() {
    if (!this.opened || !this.box.isConnected || this.box.clientWidth === 0) return;
    if (this.held) drawAtSize(this.terminal, this.fitter, this.held, preferences.fontSize);
    else this.fitter.fit();
  }

  /**
   * Draw at this size, whatever the size of the window is; null: fit the window again.
   *
   * @param {Size | null} size
   */
  hold(size) {
    if (!size && !this.held) return;
    this.held = size;
    if (!size) this.terminal.options.fontSize = preferences.fontSize;
    this.fit();
  }

  /**
   * Draw output of the shell.
   *
   * @param {Uint8Array} data
   * @param {() => void} done called when it was drawn
   */
  draw(data, done) {
    // xterm.js parses output after a key at once, other output after a timer. In a hidden page timers hardly run, and the
    // program on the node would wait for them. Not with a selection, which a key would clear.
    if (document.hidden && !this.terminal.hasSelection()) this.terminal.input("", true);
    this.terminal.write(data, done);
  }

  /** Reset the modes that an ended shell may have left (full screen, mouse, colours). The text stays. */
  resetModes() {
    const leave = this.terminal.buffer.active.type === "alternate" ? "\x1b[?1049l" : "";
    this.terminal.write(`${leave}\x1b[!p\x1b[?1000;1002;1003;1004;1006;2004;25l`);
  }

  /** Prepare for another shell, whose output comes below that of the one before. */
  begin() {
    this.hold(null);
    this.terminal.write(this.terminal.buffer.active.cursorX > 0 ? "\x1b[0m\x1b[?25h\r\n" : "\x1b[?25h");
  }

  dispose() {
    this.listeners.abort();
    this.resizes?.disconnect();
    clearTimeout(this.fitting);
    this.terminal.dispose();
  }

  // A window that is being resized has a new size with every frame; only the last one is sent.
  #fitSoon() {
    clearTimeout(this.fitting);
    this.fitting = setTimeout(() => this.fit(), RESIZE_MILLISECONDS);
  }

  #follow() {
    const colours = theme(preferences.get("colours"));
    this.terminal.options.theme = colours;
    this.terminal.options.screenReaderMode = preferences.get("screenReader");
    this.terminal.options.macOptionIsMeta = preferences.get("optionIsMeta");
    this.box.parentElement?.style.setProperty("--hn-back", colours.background);
    if (this.fontSize === preferences.fontSize) return;
    this.fontSize = preferences.fontSize;
    this.terminal.options.fontSize = this.fontSize;
    this.fit();
  }

  #followVisibility() {
    this.terminal.options.scrollOnUserInput = !document.hidden; // see draw()
  }
}
