/* Short questions. */
import { part } from "./kit.js";

/** Ask yes or no. Resolves to whether the person agreed. */
export function confirm(title, text, button) {
  const dialog = part("confirm-dialog");
  dialog.querySelector("[data-title]").textContent = title;
  dialog.querySelector("[data-text]").textContent = text;
  dialog.querySelector("[value=accept]").textContent = button;
  return ask(dialog).then((answer) => answer === "accept");
}

/** Ask for a name. Resolves to it, or to null. */
export function askName(name) {
  const dialog = part("name-dialog");
  const field = dialog.querySelector("input");
  field.value = name;
  // No submit button of its own: Enter in the field would press the first one.
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close("cancel"));
  const answered = ask(dialog);
  field.select();
  return answered.then((answer) => (answer === "accept" ? field.value.trim() : null));
}

/** The list of keys. */
export function showShortcuts() {
  return ask(part("shortcuts-dialog"));
}

function ask(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}
