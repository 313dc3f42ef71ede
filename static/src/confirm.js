/* Asks before something is lost: <form data-confirm="what will be lost" data-confirm-title data-confirm-button>.
 *
 * The server asks too (a page of its own) unless the form says confirmed=1, so nothing depends on this script.
 */
import { byId, find } from "./dom.js";

/** @type {(() => void) | null} */
let waiting = null;

/**
 * @param {HTMLElement} form
 * @param {() => void} proceed
 */
function ask(form, proceed) {
  const dialog = byId("confirm-dialog", HTMLDialogElement);
  find(dialog, "[data-title]").textContent = form.dataset.confirmTitle ?? "";
  find(dialog, "[data-text]").textContent = form.dataset.confirm ?? "";
  find(dialog, "[data-accept]").textContent = form.dataset.confirmButton ?? "";
  waiting = proceed;
  dialog.showModal();
}

/**
 * Answer the question of a form. One that was replaced meanwhile, because the page follows what happens, is sent all the
 * same: a form that is nowhere on the page would send nothing, without a word.
 *
 * @param {HTMLElement} form
 */
function accept(form) {
  if (!form.isConnected) {
    form.hidden = true;
    document.body.append(form);
  }
  const there = form.querySelector("input[name='confirmed']");
  const field = there instanceof HTMLInputElement ? there : document.createElement("input");
  if (!there) {
    field.type = "hidden";
    field.name = "confirmed";
    form.append(field);
  }
  field.value = "1";
}

/** Ask from now on whenever such a form is sent. */
export function startConfirming() {
  const dialog = document.getElementById("confirm-dialog");
  if (!(dialog instanceof HTMLDialogElement)) return;
  dialog.addEventListener("close", () => {
    const proceed = waiting;
    waiting = null;
    if (dialog.returnValue === "accept") proceed?.();
    dialog.returnValue = "";
  });
  document.addEventListener("htmx:confirm", (event) => {
    const form = event.detail.elt;
    if (!form.dataset?.confirm) return;
    event.preventDefault();
    ask(form, () => {
      accept(form);
      event.detail.issueRequest(true);
    });
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.confirm || form.hasAttribute("hx-post")) return;
    const confirmed = form.elements.namedItem("confirmed");
    if (confirmed instanceof HTMLInputElement && confirmed.value === "1") return;
    event.preventDefault();
    ask(form, () => {
      accept(form);
      form.requestSubmit();
    });
  });
}
