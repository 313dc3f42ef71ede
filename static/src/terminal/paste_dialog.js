/* The question before many lines or invisible characters are pasted. */
import { find } from "../dom.js";
import { count, part, word } from "./kit.js";
import { asOneLine } from "./paste_guard.js";

/**
 * Ask the person. Resolve to what to paste and whether to ask again, or to null.
 *
 * @param {string} text
 * @param {import("./paste_guard.js").Facts} facts
 * @returns {Promise<{ text: string, trust: boolean } | null>}
 */
export function askBeforePaste(text, facts) {
  const dialog = part("paste-dialog", HTMLDialogElement);
  /** @param {string} name */
  const row = (name) => find(dialog, `[data-${name}]`);
  row("count").textContent = `${count("lines", facts.lines)}, ${count("characters", facts.characters)}`;
  row("preview").textContent = facts.first.join("\n");
  row("more").textContent = facts.more ? count("more-lines", facts.more) : "";
  row("invisible").hidden = facts.invisible === 0;
  row("invisible-text").textContent = facts.invisible ? count("invisible", facts.invisible) : "";
  row("runs").textContent = facts.lines > 1 ? word("each-line-runs") : "";
  row("one-line").hidden = facts.lines < 2;
  row("trust").hidden = facts.invisible > 0;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const trust = find(dialog, "[name=trust]", HTMLInputElement).checked;
      /** @type {Record<string, { text: string, trust: boolean }>} */
      const choices = { paste: { text, trust }, line: { text: asOneLine(text), trust } };
      dialog.remove();
      resolve(choices[dialog.returnValue] ?? null);
    });
  });
}
