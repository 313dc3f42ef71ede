/* Copy buttons: <button data-copy="text"> or <button data-copy-from="element id">. */

/** Put text on the clipboard; resolves to whether it worked. */
export async function copyText(text) {
  if (navigator.clipboard?.writeText) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Permission denied or the document is not focused: try the old way.
    }
  }
  return copyOldWay(text);
}

// navigator.clipboard exists in secure contexts only; a portal on plain http in a lab still needs its button.
function copyOldWay(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "visually-hidden";
  const dialog = document.querySelector("dialog[open]");
  (dialog || document.body).append(field);
  const focused = document.activeElement;
  field.select();
  let copied = false;
  try {
    copied = document.execCommand("copy");
  } catch {
    copied = false;
  }
  field.remove();
  focused?.focus?.({ preventScroll: true });
  return copied;
}

function confirmOn(button, copied) {
  const label = button.querySelector("[data-label]") || button;
  const before = button.dataset.labelBefore ?? label.textContent;
  button.dataset.labelBefore = before;
  label.textContent = copied ? button.dataset.copied || "Copied" : button.dataset.failed || "Press Ctrl+C";
  button.classList.toggle("is-done", copied);
  document.getElementById("announcer")?.replaceChildren(label.textContent);
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = String(
    setTimeout(() => {
      label.textContent = before;
      button.classList.remove("is-done");
    }, 2500),
  );
}

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-from]");
    if (!button || button.disabled || button.getAttribute("aria-disabled") === "true") return;
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    const copied = await copyText(source ? source.textContent.trim() : button.dataset.copy);
    if (!copied && source) selectText(source);
    confirmOn(button, copied);
  });
}
