/* Puts the user's key file into the ssh commands of a page, and asks for it once: <code data-ssh-command>. */
import { copyText } from "./copy.js";
import { announce, byId, closest, find, findAll } from "./dom.js";
import { keyFile, readPath, rememberKeyFile, withKeyFile } from "./key_file.js";

/**
 * Write the key file into every command below `root`.
 *
 * @param {ParentNode} [root]
 */
export function showSshCommands(root = document) {
  const path = keyFile();
  for (const code of findAll(root, "[data-ssh-command]")) {
    code.dataset.plain ??= code.textContent ?? "";
    code.textContent = withKeyFile(code.dataset.plain, path);
  }
  for (const line of findAll(root, "[data-key-file-line]")) {
    line.hidden = path === null;
    find(line, "[data-key-file-name]").textContent = path || (line.dataset.found ?? "");
  }
}

/** The copy button that asked, so that its command is copied again once there is an answer. @type {HTMLElement | null} */
let asking = null;

/** @param {HTMLElement | null} button */
export function askKeyFile(button) {
  const dialog = byId("key-file-dialog", HTMLDialogElement);
  const known = keyFile();
  asking = button;
  const choices = /** @type {NodeListOf<HTMLInputElement>} */ (dialog.querySelectorAll("[name=key_choice]"));
  for (const choice of choices) choice.checked = choice.value === (known ?? "~/.ssh/id_ed25519");
  const other = find(dialog, "[data-other-path]", HTMLInputElement);
  other.value = known && ![...choices].some((choice) => choice.checked) ? known : "";
  if (other.value) find(dialog, "[value=other]", HTMLInputElement).checked = true;
  find(dialog, "[data-asked-after-copy]").hidden = !button;
  say(dialog, "");
  if (dialog.open) dialog.close();
  // After a copy nobody waits for an answer: the page stays usable beside the question.
  if (button) dialog.show();
  else dialog.showModal();
}

/** @param {HTMLElement} dialog @param {string | undefined} text */
function say(dialog, text) {
  const error = find(dialog, "[data-path-error]");
  error.hidden = !text;
  find(error, "[data-text]").textContent = text ?? "";
}

/** @param {HTMLDialogElement} dialog */
async function answer(dialog) {
  const form = find(dialog, "form", HTMLFormElement);
  const choice = String(new FormData(form).get("key_choice") ?? "");
  const other = find(dialog, "[data-other-path]", HTMLInputElement);
  const { path, problem } = readPath(choice === "other" ? other.value : choice);
  if (problem || (choice === "other" && !path)) {
    const texts = other.dataset;
    if (problem === "key") other.value = "";
    say(dialog, { key: texts.key, ppk: texts.ppk, characters: texts.characters, "": texts.empty }[problem]);
    other.focus();
    return;
  }
  rememberKeyFile(path);
  showSshCommands();
  const button = asking;
  dialog.close();
  const source = document.getElementById(button?.dataset.copyFrom ?? "");
  if (button && source && (await copyText(source.textContent.trim()))) announce(dialog.dataset.copiedAgain ?? "");
  button?.focus();
}

/** Write the commands of this page, and ask for the key file when one is copied for the first time. */
export function startSshCommands() {
  showSshCommands();
  document.addEventListener("htmx:afterSettle", () => showSshCommands());
  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-copy-from]");
    const source = document.getElementById(button?.dataset.copyFrom ?? "");
    const dialog = document.getElementById("key-file-dialog");
    if (closest(event, "[data-change-key-file]")) askKeyFile(null);
    else if (dialog && button && !button.hasAttribute("disabled") && source?.hasAttribute("data-asks-key-file")) {
      // After the copy: the command is on the clipboard already, and is put there again with the answer.
      if (keyFile() === null) setTimeout(() => askKeyFile(button));
    }
    if (closest(event, "#key-file-dialog [data-later]")) byId("key-file-dialog", HTMLDialogElement).close();
  });
  document.getElementById("key-file-dialog")?.addEventListener("submit", (event) => {
    event.preventDefault();
    void answer(byId("key-file-dialog", HTMLDialogElement));
  });
  document.getElementById("key-file-dialog")?.addEventListener("keydown", (event) => {
    if (event.key === "Escape") byId("key-file-dialog", HTMLDialogElement).close();
  });
  document.querySelector("[data-other-path]")?.addEventListener("input", () => {
    find(document, "#key-file-dialog [value=other]", HTMLInputElement).checked = true;
  });
}
