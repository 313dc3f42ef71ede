/* The question before many lines or invisible characters are pasted. */
import { count, part, word } from "./kit.js";
import { asOneLine } from "./paste_guard.js";

/** Ask. Resolves to {text, trust}, or to null when nothing is to be pasted. */
export function askBeforePaste(text, facts) {
  const dialog = part("paste-dialog");
  const find = (name) => dialog.querySelector(`[data-${name}]`);
  find("count").textContent = `${count("lines", facts.lines)}, ${count("characters", facts.characters)}`;
  find("preview").textContent = facts.first.join("\n");
  find("more").textContent = facts.more ? count("more-lines", facts.more) : "";
  find("invisible").hidden = facts.invisible === 0;
  find("invisible-text").textContent = facts.invisible ? count("invisible", facts.invisible) : "";
  find("runs").textContent = facts.lines > 1 ? word("each-line-runs") : "";
  find("one-line").hidden = facts.lines < 2;
  find("trust").hidden = facts.invisible > 0;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const trust = dialog.querySelector("[name=trust]").checked;
      const answers = { paste: { text, trust }, line: { text: asOneLine(text), trust } };
      dialog.remove();
      resolve(answers[dialog.returnValue] ?? null);
    });
  });
}
