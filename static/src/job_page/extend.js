/* "Extend until" in the person's own time zone. Without this script the field is in UTC and says so. */
import { find } from "../dom.js";

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/**
 * Return a UTC time ("2026-04-03T09:30") on this computer's clock, in the same form, for a datetime-local field.
 *
 * @param {string | null} utc
 */
export function local(utc) {
  if (!utc) return "";
  const at = new Date(`${utc}Z`);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/**
 * Have the forms below `root` ask in this computer's time zone.
 *
 * @param {ParentNode} root
 */
export function showExtend(root = document) {
  const forms = root.querySelectorAll("form[data-extend-until]:not([data-local])");
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (forms)) {
    form.dataset.local = "";
    const field = find(form, "[name=until]", HTMLInputElement);
    for (const name of /** @type {const} */ (["min", "max", "value"])) field[name] = local(field.getAttribute(name));
    find(form, "[data-zone]").textContent = "";
  }
}

/** Ask in this computer's time zone and send UTC. */
export function startExtend() {
  showExtend();
  document.addEventListener("formdata", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("local" in form.dataset)) return;
    const at = new Date(find(form, "[name=until]", HTMLInputElement).value);
    if (!Number.isNaN(at.getTime())) event.formData.set("until", at.toISOString());
  });
}
