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

export class Screen {
  /** `box` is the element to fill; `size` ({cols, rows}) holds until it is shown. */
  constructor(box, size = {}) {
    this.box = box;
    this.terminal = new Terminal({
      ...size,
      allowProposedApi: true, // Unicode widths and the marks of a search need it
      cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: FONT,
      fontSize: preferences.fontSize,
      lineHeight: 1.2,
      fontWeightBold: "500",
      scrollback: SCROLLBACK,
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
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

  /** Put it on the page, or bring it back. Fonts first: cells are measured once. */
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

  /** Out of sight: give back what is scarce. */
  hide() {
    this.renderer.rest();
  }

  /** Fit columns and rows to the box. */
  fit() {
    if (!this.opened || !this.box.isConnected || this.box.clientWidth === 0) return;
    if (this.held) drawAtSize(this.terminal, this.fitter, this.held, preferences.fontSize);
    else this.fitter.fit();
  }

  /** Draw at this size ({cols, rows}) whatever the window's is; null: fit the window again. */
  hold(size) {
    if (!size && !this.held) return;
    this.held = size;
    if (!size) this.terminal.options.fontSize = preferences.fontSize;
    this.fit();
  }

  /** Have the shell's output drawn; `done` is called when it was. */
  draw(data, done) {
    // xterm.js parses what follows a key at once, all else after a timer; a hidden page's timers hardly run, and the
    // program on the node would wait for them. A selection is left alone: a key would clear it.
    if (document.hidden && !this.terminal.hasSelection()) this.terminal.input("", true);
    this.terminal.write(data, done);
  }

  /** The shell is gone: leave the modes it may have died in (full screen, mouse, colours). Its text stays. */
  calm() {
    const leave = this.terminal.buffer.active.type === "alternate" ? "\x1b[?1049l" : "";
    this.terminal.write(`${leave}\x1b[!p\x1b[?1000;1002;1003;1004;1006;2004;25l`);
  }

  /** Another shell begins, below what the one before left. */
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

  // A window that is dragged has a new size with every frame; the shell is told the last one.
  #fitSoon() {
    clearTimeout(this.fitting);
    this.fitting = setTimeout(() => this.fit(), RESIZE_MILLISECONDS);
  }

  #follow() {
    const colours = theme(preferences.get("colours"));
    this.terminal.options.theme = colours;
    this.terminal.options.screenReaderMode = preferences.get("screenReader");
    this.box.parentElement.style.setProperty("--hn-back", colours.background);
    if (this.fontSize === preferences.fontSize) return;
    this.fontSize = preferences.fontSize;
    this.terminal.options.fontSize = this.fontSize;
    this.fit();
  }

  #followVisibility() {
    this.terminal.options.scrollOnUserInput = !document.hidden; // see draw()
  }
}
