/* Short questions. */
import { find } from "../dom.js";
import { part } from "./kit.js";

/**
 * Ask yes or no. Resolve to whether the person agreed.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} button
 */
export function confirm(title, text, button) {
  const dialog = part("confirm-dialog", HTMLDialogElement);
  find(dialog, "[data-title]").textContent = title;
  find(dialog, "[data-text]").textContent = text;
  find(dialog, "[value=accept]").textContent = button;
  return ask(dialog).then((value) => value === "accept");
}

/**
 * Ask for a name. Resolve to it, or to null.
 *
 * @param {string} name the one it has
 */
export function askName(name) {
  const dialog = part("name-dialog", HTMLDialogElement);
  const field = find(dialog, "input", HTMLInputElement);
  field.value = name;
  // Cancel is no submit button: Enter in the field would press it, as the first one.
  find(dialog, "[data-cancel]").addEventListener("click", () => dialog.close("cancel"));
  const closed = ask(dialog);
  field.select();
  return closed.then((value) => (value === "accept" ? field.value.trim() : null));
}

/** Show the list of keys. Resolve when it is closed. */
export function showShortcuts() {
  return ask(part("shortcuts-dialog", HTMLDialogElement));
}

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>}
 */
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
