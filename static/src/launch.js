/* The editor of a definition: line numbers, files dropped or chosen, samples, and links from problems to their lines. */
import { byId, closest, find, findAll } from "./dom.js";
import { keepForm } from "./kept_forms.js";

const form = find(document, "[data-launch-form]", HTMLFormElement);
const area = find(form, "[data-definition]", HTMLTextAreaElement);
const gutter = find(form, "[data-gutter]");
const result = byId("definition-result");
const replaced = find(form, "[data-replaced]");
const fileError = find(form, "[data-file-error]");
/** @type {Record<string, string>} */
const samples = JSON.parse(byId("sample-texts").textContent ?? "{}");
/** @type {string | null} */
let before = null;

function badLines() {
  const [problems] = findAll(result, "[data-problem-lines]");
  return new Set((problems?.dataset.problemLines ?? "").split(" ").map(Number));
}

/** Write the line numbers again; those with a problem are marked. */
function numberLines() {
  const bad = badLines();
  const count = area.value.split("\n").length;
  const lines = Array.from({ length: count }, (_, index) => {
    const line = document.createElement("span");
    line.textContent = String(index + 1);
    line.classList.toggle("is-bad", bad.has(index + 1));
    return line;
  });
  gutter.replaceChildren(...lines);
  gutter.scrollTop = area.scrollTop;
}

/**
 * Show the line, and select it.
 *
 * @param {number} line counted from 1
 */
function goTo(line) {
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const height = parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 1) * height - area.clientHeight / 3);
}

function check() {
  numberLines();
  area.dispatchEvent(new Event("look"));
}

/**
 * Replace the text in the field. The one before can be had back, unless it was a sample.
 *
 * @param {string | undefined} text
 */
function put(text) {
  const lost = area.value.trim() && !Object.values(samples).includes(area.value);
  before = lost ? area.value : null;
  replaced.hidden = !lost;
  area.value = text ?? "";
  area.scrollTop = 0;
  showFileError("");
  check();
}

/** @param {string | undefined} text what is wrong with the file; none: hide the sentence */
function showFileError(text) {
  fileError.hidden = !text;
  find(fileError, "[data-text]").textContent = text ?? "";
}

/** @param {File | undefined} file */
async function readFile(file) {
  if (!file) return;
  if (file.size > Number(area.dataset.longest) * 1024) {
    showFileError(area.dataset.tooLong);
    return;
  }
  try {
    put(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    area.focus();
  } catch {
    showFileError(area.dataset.unreadable);
  }
}

form.addEventListener("click", (event) => {
  const line = closest(event, "[data-go-to-line]");
  const sample = closest(event, "[data-sample]");
  if (line) goTo(Number(line.dataset.goToLine));
  if (sample && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    put(samples[sample.dataset.sample ?? ""]);
  }
  if (closest(event, "[data-undo]")) {
    area.value = before ?? "";
    replaced.hidden = true;
    check();
    area.focus();
  }
});
const chosenFile = find(form, "[data-definition-file]", HTMLInputElement);
chosenFile.addEventListener("change", () => {
  void readFile(chosenFile.files?.[0]);
  chosenFile.value = ""; // choosing the same file again is a change again
});
const dropZone = find(form, "[data-drop-zone]");
for (const type of /** @type {const} */ (["dragover", "dragleave", "drop"])) {
  dropZone.addEventListener(type, (event) => {
    const isFile = event.dataTransfer?.types.includes("Files") ?? false;
    dropZone.classList.toggle("is-over", type === "dragover" && isFile);
    if (!isFile || type === "dragleave") return;
    event.preventDefault();
    if (type === "drop") void readFile(event.dataTransfer?.files[0]);
  });
}
area.addEventListener("input", () => {
  replaced.hidden = true;
  numberLines();
});
area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop));
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== result) return;
  if (result.querySelector("[data-problem-lines]")) area.setAttribute("aria-invalid", "true");
  else area.removeAttribute("aria-invalid");
  numberLines();
});

// Send it once: a second press while a launch is slow must not make a second cluster.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => delete form.dataset.sent);

for (const element of findAll(form, "[data-needs-script]")) element.hidden = false;
gutter.hidden = false;
keepForm(form);
numberLines();
if (area.value.trim() && !result.querySelector("[data-problem-lines], [name='checked']")) {
  document.addEventListener("DOMContentLoaded", check, { once: true });
  if (document.readyState !== "loading") setTimeout(check);
}
