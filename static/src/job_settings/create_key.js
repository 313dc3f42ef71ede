/* "Create a key for me": a key pair made in this browser. The private half is given to the person as a file and goes
 * nowhere else; the form posts the public half. */
import { closest, control, find, findAll } from "../dom.js";
import { openSshFiles } from "./openssh_key.js";

const FILE = "id_ed25519_headnode";

/** Return whether this browser can make Ed25519 keys here: not on plain http, not in old browsers. */
async function canCreate() {
  try {
    await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

/** @param {Blob} file */
function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {HTMLElement} panel */
async function create(panel) {
  const made = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const pair = /** @type {CryptoKeyPair} */ (made);
  const { privateFile, publicLine } = openSshFiles(
    await crypto.subtle.exportKey("jwk", pair.privateKey),
    panel.dataset.comment ?? "",
  );
  const file = new Blob([privateFile], { type: "application/octet-stream" });
  download(file);
  const again = find(panel, "[data-download-again]");
  again.onclick = () => download(file);
  find(panel, "[data-created]").hidden = false;
  for (const place of findAll(panel, "[data-created-place]")) place.hidden = false;
  const form = find(panel, "[data-create-form]", HTMLFormElement);
  control(form, "public_key").value = publicLine;
  form.requestSubmit();
  again.focus();
}

/** Offer to make a key where that is possible. */
export async function startCreatingKeys() {
  const panel = document.querySelector("[data-create-key]");
  if (!(panel instanceof HTMLElement)) return;
  const possible = await canCreate();
  for (const part of findAll(panel, "[data-can-create]")) part.hidden = !possible;
  for (const part of findAll(panel, "[data-cannot-create]")) part.hidden = possible;
  panel.addEventListener("click", async (event) => {
    const button = closest(event, "[data-create]", HTMLButtonElement);
    if (!button) return;
    button.disabled = true;
    try {
      await create(panel);
    } finally {
      button.disabled = false;
    }
  });
}
