/* Asks before something is lost: <form data-confirm="what will be lost" data-confirm-title data-confirm-button>.
 *
 * The server asks too (a page of its own) unless the form says confirmed=1, so nothing depends on this script.
 */
let waiting = null;

function ask(form, proceed) {
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector("[data-title]").textContent = form.dataset.confirmTitle;
  dialog.querySelector("[data-text]").textContent = form.dataset.confirm;
  dialog.querySelector("[data-accept]").textContent = form.dataset.confirmButton;
  waiting = proceed;
  dialog.showModal();
}

function accept(form) {
  let field = form.querySelector("input[name='confirmed']");
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = "confirmed";
    form.append(field);
  }
  field.value = "1";
}

export function startConfirming() {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog) return;
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
    if (!form.dataset.confirm || form.hasAttribute("hx-post") || form.elements.confirmed?.value === "1") return;
    event.preventDefault();
    ask(form, () => {
      accept(form);
      form.requestSubmit();
    });
  });
}
