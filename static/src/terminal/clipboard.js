/* Copy and paste of one terminal. */
import { copyText } from "../copy.js";
import { announce } from "../dom.js";
import { word } from "./kit.js";
import { inspect, isRisky, withoutInvisible } from "./paste_guard.js";
import { askBeforePaste } from "./paste_dialog.js";

export class Clipboard {
  /**
   * @param {import("@xterm/xterm").Terminal} terminal
   * @param {HTMLElement} box the element around the terminal
   * @param {(sentence: string) => void} say shows a passing notice
   */
  constructor(terminal, box, say) {
    this.terminal = terminal;
    this.say = say;
    this.trusting = false;
    // Before xterm.js sees it: every paste passes the guard.
    box.addEventListener(
      "paste",
      (event) => {
        event.preventDefault();
        event.stopPropagation();
        void this.paste(event.clipboardData?.getData("text/plain") ?? "");
      },
      true,
    );
  }

  /** Copy the selection. Resolve to whether there was one. */
  async copy() {
    if (!this.terminal.hasSelection()) return false;
    const copied = await copyText(this.terminal.getSelection());
    announce(word(copied ? "copied" : "not-copied"));
    if (!copied) this.say(word("not-copied"));
    return true;
  }

  /** Paste the content of the clipboard, if the browser lets a page read it. */
  async pasteFromClipboard() {
    let text;
    try {
      text = await navigator.clipboard.readText();
    } catch {
      this.say(word("paste-by-keys"));
      this.terminal.focus();
      return;
    }
    await this.paste(text);
  }

  /**
   * Paste `text`. Ask first if it is risky.
   *
   * @param {string} text
   */
  async paste(text) {
    if (!text || this.terminal.options.disableStdin) return;
    const facts = inspect(text);
    let approved = text;
    if (isRisky(facts, this.terminal.modes.bracketedPasteMode) && !(this.trusting && facts.invisible === 0)) {
      const answer = await askBeforePaste(text, facts);
      this.terminal.focus();
      if (answer === null) return;
      this.trusting ||= answer.trust;
      approved = answer.text;
    }
    this.terminal.paste(withoutInvisible(approved));
    this.terminal.scrollToBottom();
    this.terminal.focus();
  }
}
