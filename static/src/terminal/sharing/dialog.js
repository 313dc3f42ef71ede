/* The Share dialog: with whom a terminal is shared, one person more, taken back with one press. */
import { part, word } from "./kit.js";
import { listShares, share, takeBack } from "./requests.js";

/** Open it for the terminal session of that id. `people()` tells who is there now; `onClose` gets the focus back. */
export function openShareDialog(session, people, onClose) {
  const dialog = part("share-dialog");
  const form = dialog.querySelector("form");
  const field = form.querySelector("[name=person]");
  const error = dialog.querySelector("[data-error]");
  const list = dialog.querySelector("[data-shares]");
  const nobody = dialog.querySelector("[data-nobody]");

  const refuse = (sentence) => {
    error.textContent = sentence;
    field.setAttribute("aria-invalid", String(Boolean(sentence)));
  };
  const attempt = async (work) => {
    refuse("");
    try {
      await work();
      await show();
      return true;
    } catch (problem) {
      refuse(problem.message);
      field.focus();
      return false;
    }
  };
  const row = ({ id, person, mayType }) => {
    const line = part("share");
    const there = people().some((one) => one.name === person && one.role === "guest");
    line.querySelector("[data-person]").textContent = person;
    line.querySelector("[data-there]").hidden = !there;
    const select = line.querySelector("select");
    select.value = mayType ? "type" : "watch";
    select.ariaLabel = word("what-may", { person });
    select.addEventListener("change", () => attempt(() => share(session, person, select.value === "type")));
    const button = line.querySelector("button");
    button.ariaLabel = word("take-back-from", { person });
    button.addEventListener("click", () => attempt(() => takeBack(session, id)).then(() => field.focus()));
    return line;
  };
  const show = async () => {
    const shares = await listShares(session);
    list.replaceChildren(...shares.map(row));
    nobody.hidden = shares.length > 0;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const person = field.value.trim();
    if (!person) return refuse(word("who"));
    if (await attempt(() => share(session, person, form.elements.may.value === "type"))) {
      form.reset();
      field.focus();
    }
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  // Keys pressed in here are not the shell's.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  show().catch((problem) => refuse(problem.message));
  return { refresh: () => show().catch(() => {}) };
}
