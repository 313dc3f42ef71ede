/* The public key field: a private key never leaves this page, a file may be dropped or chosen. */
import { startCreatingKeys } from "./job_settings/create_key.js";
import { isPrivateKey } from "./private_key.js";

const field = () => document.querySelector("[data-key-text]");
const LARGEST_FILE = 256 * 1024; // read only so much, whatever is dropped

function say(text) {
  const error = document.querySelector("[data-key-error]");
  error.hidden = !text;
  error.querySelector("[data-text]").textContent = text || "";
  if (text) field().setAttribute("aria-invalid", "true");
  else field().removeAttribute("aria-invalid");
}

/** Looks at what is in the field; empties it and says why when that must not be sent. True when it may be. */
function check() {
  const area = field();
  if (isPrivateKey(area.value)) {
    area.value = "";
    say(area.dataset.private);
    return false;
  }
  if (area.value.length > Number(area.dataset.longest)) {
    say(area.dataset.tooLong);
    return false;
  }
  return true;
}

async function take(file) {
  const area = field();
  if (!file) return;
  if (file.size > LARGEST_FILE) {
    say(area.dataset.tooLong);
    return;
  }
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    area.value = new TextDecoder(wide ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8").decode(bytes);
  } catch {
    say(area.dataset.unreadable);
    return;
  }
  if (check()) say("");
  area.focus();
}

document.addEventListener("input", (event) => {
  // What was said about a key that was taken out stays until something new is in the field.
  if (event.target.matches?.("[data-key-text]") && check() && event.target.value.trim()) say("");
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-key-file]")) {
    take(event.target.files[0]);
    event.target.value = ""; // choosing the same file again is a change again
  }
});

// Before htmx sees it: captured at the document, so that nothing is sent.
document.addEventListener(
  "submit",
  (event) => {
    if (!event.target.matches("[data-key-form]") || check()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    field().focus();
  },
  true,
);

for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    const zone = event.target.closest?.("[data-drop-zone]");
    if (!zone) return;
    const isFile = event.dataTransfer?.types.includes("Files");
    zone.classList.toggle("is-over", type === "dragover" && isFile);
    if (!isFile || type === "dragleave") return;
    event.preventDefault();
    if (type === "drop") take(event.dataTransfer.files[0]);
  });
}

function showScriptedParts() {
  for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
}
document.addEventListener("htmx:load", showScriptedParts);
showScriptedParts();
startCreatingKeys();
