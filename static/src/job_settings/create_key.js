/* "Create a key for me": a key pair made in this browser. The private half is given to the person as a file and goes
 * nowhere else; the form posts the public half. */
import { openSshFiles } from "./openssh_key.js";

const FILE = "id_ed25519_headnode";

/** Whether this browser, at this address, can make Ed25519 keys: not on plain http, not in old browsers. */
async function canCreate() {
  try {
    await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function create(panel) {
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const { privateFile, publicLine } = openSshFiles(
    await crypto.subtle.exportKey("jwk", pair.privateKey),
    panel.dataset.comment,
  );
  const file = new Blob([privateFile], { type: "application/octet-stream" });
  download(file);
  const again = panel.querySelector("[data-download-again]");
  again.onclick = () => download(file);
  panel.querySelector("[data-created]").hidden = false;
  const form = panel.querySelector("[data-create-form]");
  form.elements.public_key.value = publicLine;
  form.requestSubmit();
  again.focus();
}

export async function startCreatingKeys() {
  const panel = document.querySelector("[data-create-key]");
  if (!panel) return;
  const possible = await canCreate();
  panel.querySelector("[data-can-create]").hidden = !possible;
  panel.querySelector("[data-cannot-create]").hidden = possible;
  panel.querySelector("[data-create]").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await create(panel);
    } finally {
      button.disabled = false;
    }
  });
}
