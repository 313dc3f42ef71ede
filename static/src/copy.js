/* Copy buttons: <button data-copy="text"> or <button data-copy-from="element id">. */
import { announce, closest } from "./dom.js";

/**
 * Put text on the clipboard. Resolve to whether it worked.
 *
 * @param {string} text
 */
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
/** @param {string} text */
function copyOldWay(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "visually-hidden";
  const dialog = document.querySelector("dialog[open]");
  (dialog || document.body).append(field);
  const focused = document.activeElement;
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    if (focused instanceof HTMLElement || focused instanceof SVGElement) focused.focus({ preventScroll: true });
  }
}

/** @param {HTMLElement} button @param {boolean} copied */
function confirmOn(button, copied) {
  const label = button.querySelector("[data-label]") || button;
  const before = button.dataset.labelBefore ?? label.textContent ?? "";
  button.dataset.labelBefore = before;
  label.textContent = copied ? button.dataset.copied || "Copied" : button.dataset.failed || "Press Ctrl+C";
  button.classList.toggle("is-done", copied);
  announce(label.textContent);
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = String(
    setTimeout(() => {
      label.textContent = before;
      button.classList.remove("is-done");
    }, 2500),
  );
}

/** @param {HTMLElement} element */
function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection()?.removeAllRanges();
  getSelection()?.addRange(range);
}

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = closest(event, "[data-copy], [data-copy-from]");
    if (!button || button.hasAttribute("disabled") || button.getAttribute("aria-disabled") === "true") return;
    const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
    const copied = await copyText(source ? source.textContent.trim() : (button.dataset.copy ?? ""));
    if (!copied && source) selectText(source);
    confirmOn(button, copied);
  });
}
