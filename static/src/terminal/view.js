/* The screen: xterm.js with its addons, fitted to its box, in the portal's colours. Knows no socket. */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import { holdSize } from "./hold_size.js";
import * as themes from "./themes.js";

const FONT = '"IBM Plex Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, monospace';
const SCROLLBACK = 10_000;

export class View {
  /** `box` is the element to fill; `onSize(cols, rows)` is called whenever the size changed. */
  constructor(box, onSize) {
    this.box = box;
    this.terminal = new Terminal({
      allowProposedApi: true, // the Unicode addon needs it
      cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: FONT,
      fontSize: fontSize(),
      lineHeight: 1.2,
      fontWeightBold: "500",
      scrollback: SCROLLBACK,
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      theme: themes.current(),
    });
    this.fitAddon = new FitAddon();
    this.search = new SearchAddon();
    this.terminal.loadAddon(this.fitAddon);
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new WebLinksAddon(openLink));
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = "11";
    this.terminal.onResize(({ cols, rows }) => onSize(cols, rows));
    this.terminal.attachCustomKeyEventHandler((event) => this.#shortcut(event));
    this.onFind = null;
  }

  /** Show it. Fonts first: cells are measured once. */
  async open() {
    await Promise.race([
      Promise.allSettled([document.fonts.load(`400 14px ${FONT}`), document.fonts.load(`500 14px ${FONT}`)]),
      new Promise((resolve) => setTimeout(resolve, 1500)),
    ]);
    this.terminal.open(this.box);
    this.#accelerate();
    this.fit();
    this.resizes = new ResizeObserver(() => requestAnimationFrame(() => this.fit()));
    this.resizes.observe(this.box);
    this.recolour = () => (this.terminal.options.theme = themes.current());
    document.documentElement.addEventListener("headnode:theme", this.recolour);
    this.recolour();
  }

  /** Fit columns and rows to the box, or the font to the box where the size is not ours to choose. */
  fit() {
    if (!this.box.isConnected || this.box.clientWidth === 0) return;
    const size = fontSize();
    if (this.terminal.options.fontSize !== size) this.terminal.options.fontSize = size;
    if (this.held) holdSize(this.terminal, this.fitAddon, this.held, size);
    else this.fitAddon.fit();
  }

  /** Keep this size ({cols, rows}); null: fit the box again. */
  hold(size) {
    if (!size && !this.held) return;
    this.held = size;
    this.fit();
  }

  /** A line from the portal, set apart from what the shell prints. */
  say(sentence) {
    this.terminal.write(`\r\n\x1b[0;90m── ${plain(sentence)} ──\x1b[0m\r\n`);
  }

  /** Leave the modes a shell may have died in: full screen, mouse, colours. What is on the screen stays. */
  calm() {
    this.terminal.write("\x1b[?1049l\x1b[!p\x1b[?1000;1002;1003;1006;2004l\x1b[0m");
  }

  dispose() {
    this.resizes?.disconnect();
    if (this.recolour) document.documentElement.removeEventListener("headnode:theme", this.recolour);
    this.terminal.dispose();
  }

  #accelerate() {
    try {
      const webgl = new WebglAddon();
      // The browser may take the context away (many terminals, sleep): the DOM renderer goes on.
      webgl.onContextLoss(() => webgl.dispose());
      this.terminal.loadAddon(webgl);
    } catch {
      // No WebGL here: the DOM renderer does it.
    }
  }

  #shortcut(event) {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
    if (event.code === "KeyC" && this.terminal.hasSelection()) {
      event.preventDefault();
      navigator.clipboard?.writeText(this.terminal.getSelection()).catch(() => document.execCommand("copy"));
      return false;
    }
    if (event.code === "KeyF" && this.onFind) {
      event.preventDefault();
      this.onFind();
      return false;
    }
    return true;
  }
}

function openLink(event, address) {
  if (/^https?:\/\//i.test(address)) window.open(address, "_blank", "noopener,noreferrer");
}

function fontSize() {
  return window.matchMedia("(max-width: 40rem)").matches ? 12 : 14;
}

// Sentences come from the portal, but may quote a node: no control character gets to the screen through here.
function plain(sentence) {
  return sentence.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}
