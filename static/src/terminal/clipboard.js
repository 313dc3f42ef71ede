/* Copy and paste of one terminal: what is selected, what the clipboard has, what a program wants to put there. */
import { copyText } from "../copy.js";
import { announce, word } from "./kit.js";
import { inspect, isRisky, withoutInvisible } from "./paste_guard.js";
import { askBeforePaste } from "./paste_dialog.js";

export class Clipboard {
  /** `say(sentence)` shows a passing notice. */
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
        this.paste(event.clipboardData?.getData("text/plain") ?? "");
      },
      true,
    );
  }

  /** Copy the selection. Answers whether there was one. */
  async copy() {
    if (!this.terminal.hasSelection()) return false;
    const copied = await copyText(this.terminal.getSelection());
    announce(word(copied ? "copied" : "not-copied"));
    if (!copied) this.say(word("not-copied"));
    return true;
  }

  /** Paste what the clipboard has, where the browser lets a page read it. */
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

  /** Paste `text`, after a question where somebody should look at it first. */
  async paste(text) {
    if (!text || this.terminal.options.disableStdin) return;
    const facts = inspect(text);
    if (isRisky(facts, this.terminal.modes.bracketedPasteMode) && !(this.trusting && facts.invisible === 0)) {
      const answer = await askBeforePaste(text, facts);
      this.terminal.focus();
      if (answer === null) return;
      this.trusting ||= answer.trust;
      text = answer.text;
    }
    this.terminal.paste(withoutInvisible(text));
    this.terminal.scrollToBottom();
    this.terminal.focus();
  }
}
