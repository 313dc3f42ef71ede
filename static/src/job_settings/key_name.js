/* The name of a key: a key pasted there by mistake is taken out. A public key is put where it belongs. */
import { find } from "../dom.js";
import { isPrivateKey, isPublicKey } from "../private_key.js";

/** @returns {HTMLInputElement} */
const nameField = () => find(document, "[data-key-name]", HTMLInputElement);

/** @param {string | undefined} text what is wrong; none: hide the sentence */
function showNameError(text) {
  const error = find(document, "#key-name-error");
  error.hidden = !text;
  find(error, "[data-text]").textContent = text || "";
  if (text) nameField().setAttribute("aria-invalid", "true");
  else nameField().removeAttribute("aria-invalid");
}

/** Return whether the name may be sent. A private key is taken out of it; the page says why. */
export function checkName() {
  const field = nameField();
  if (!isPrivateKey(field.value)) return true;
  field.value = "";
  showNameError(field.dataset.private);
  return false;
}

/**
 * Watch the name field. `takeKey` puts a public key into the key's own field, and returns whether it did.
 *
 * @param {(key: string) => boolean} takeKey
 */
export function startKeyName(takeKey) {
  document.addEventListener("input", (event) => {
    if (event.target === document.querySelector("[data-key-name]") && checkName() && nameField().value) showNameError("");
  });
  // The whole text is here only: what the field gets is cut at its longest length.
  document.addEventListener("paste", (event) => {
    if (event.target !== document.querySelector("[data-key-name]")) return;
    const text = event.clipboardData?.getData("text") ?? "";
    if (isPrivateKey(text)) {
      event.preventDefault();
      showNameError(nameField().dataset.private);
    } else if (isPublicKey(text) && takeKey(text)) {
      event.preventDefault();
      showNameError(nameField().dataset.moved);
    }
  });
}
