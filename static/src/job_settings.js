/* The public key field: a private key is never sent, a file may be dropped or chosen. */
import { closest, find, findAll } from "./dom.js";
import { startCreatingKeys } from "./job_settings/create_key.js";
import { startKeepingFresh } from "./job_settings/fresh.js";
import { checkName, startKeyName } from "./job_settings/key_name.js";
import { isPrivateKey } from "./private_key.js";

const field = () => find(document, "[data-key-text]", HTMLTextAreaElement);
const LARGEST_FILE = 256 * 1024; // read only so much, whatever is dropped

/** @param {string | undefined} text what is wrong; none: hide the sentence */
function showError(text) {
  const error = find(document, "[data-key-error]");
  error.hidden = !text;
  find(error, "[data-text]").textContent = text || "";
  if (text) field().setAttribute("aria-invalid", "true");
  else field().removeAttribute("aria-invalid");
}

/** Return whether what is in the field may be sent. A private key is taken out of it; the page says why. */
function check() {
  const area = field();
  if (isPrivateKey(area.value)) {
    area.value = "";
    showError(area.dataset.private);
    return false;
  }
  if (area.value.length > Number(area.dataset.longest)) {
    showError(area.dataset.tooLong);
    return false;
  }
  return true;
}

/** @param {File | undefined} file */
async function readFile(file) {
  const area = field();
  if (!file) return;
  if (file.size > LARGEST_FILE) {
    showError(area.dataset.tooLong);
    return;
  }
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    area.value = new TextDecoder(wide ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8").decode(bytes);
  } catch {
    showError(area.dataset.unreadable);
    return;
  }
  if (check()) showError("");
  area.focus();
}

document.addEventListener("input", (event) => {
  // The message about a removed key stays until the field has new content.
  if (event.target === document.querySelector("[data-key-text]") && check() && field().value.trim()) showError("");
});
document.addEventListener("change", (event) => {
  const chosen = event.target;
  if (!(chosen instanceof HTMLInputElement) || !chosen.matches("[data-key-file]")) return;
  void readFile(chosen.files?.[0]);
  chosen.value = ""; // choosing the same file again is a change again
});

// Before htmx sees it: captured at the document, so that nothing is sent.
document.addEventListener(
  "submit",
  (event) => {
    if (!(event.target instanceof Element) || !event.target.matches("[data-key-form]")) return;
    const good = [checkName(), check()];
    if (good.every(Boolean)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (good[0]) field().focus();
    else find(document, "[data-key-name]").focus();
  },
  true,
);

for (const type of /** @type {const} */ (["dragover", "dragleave", "drop"])) {
  document.addEventListener(type, (event) => {
    const zone = closest(event, "[data-drop-zone]");
    if (!zone) return;
    const isFile = event.dataTransfer?.types.includes("Files") ?? false;
    zone.classList.toggle("is-over", type === "dragover" && isFile);
    if (!isFile || type === "dragleave") return;
    event.preventDefault();
    if (type === "drop") void readFile(event.dataTransfer?.files[0]);
  });
}

startKeyName((key) => {
  if (field().value.trim()) return false;
  field().value = key.trim();
  return true;
});

function showScriptedParts() {
  for (const element of findAll(document, "[data-needs-script]")) element.hidden = false;
}
document.addEventListener("htmx:load", showScriptedParts);
showScriptedParts();
void startCreatingKeys();
startKeepingFresh();
