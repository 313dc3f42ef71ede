/* The definition's editor: line numbers, files dropped or chosen, samples, and the way from a problem to its line. */
const form = document.querySelector("[data-launch-form]");
const area = form.querySelector("[data-definition]");
const gutter = form.querySelector("[data-gutter]");
const result = document.getElementById("definition-result");
const replaced = form.querySelector("[data-replaced]");
const fileError = form.querySelector("[data-file-error]");
const samples = JSON.parse(document.getElementById("sample-texts").textContent);
let before = null;

const badLines = () =>
  new Set((result.querySelector("[data-problem-lines]")?.dataset.problemLines ?? "").split(" ").map(Number));

function number() {
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

/** Shows the line, and marks it in the field. */
function goTo(line) {
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const height = parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 1) * height - area.clientHeight / 3);
}

function look() {
  number();
  area.dispatchEvent(new Event("look"));
}

/** Another text in the field; what was written before can be had back. */
function put(text) {
  const lost = area.value.trim() && !Object.values(samples).includes(area.value);
  before = lost ? area.value : null;
  replaced.hidden = !lost;
  area.value = text;
  area.scrollTop = 0;
  sayOfFile("");
  look();
}

function sayOfFile(text) {
  fileError.hidden = !text;
  fileError.querySelector("[data-text]").textContent = text;
}

async function take(file) {
  if (!file) return;
  if (file.size > Number(area.dataset.longest) * 1024) {
    sayOfFile(area.dataset.tooLong);
    return;
  }
  try {
    put(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    area.focus();
  } catch {
    sayOfFile(area.dataset.unreadable);
  }
}

form.addEventListener("click", (event) => {
  const line = event.target.closest("[data-go-to-line]");
  const sample = event.target.closest("[data-sample]");
  if (line) goTo(Number(line.dataset.goToLine));
  if (sample && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    put(samples[sample.dataset.sample]);
  }
  if (event.target.closest("[data-undo]")) {
    area.value = before;
    replaced.hidden = true;
    look();
    area.focus();
  }
});
form.querySelector("[data-definition-file]").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = ""; // choosing the same file again is a change again
});
for (const type of ["dragover", "dragleave", "drop"]) {
  form.querySelector("[data-drop-zone]").addEventListener(type, (event) => {
    const isFile = event.dataTransfer?.types.includes("Files");
    event.currentTarget.classList.toggle("is-over", type === "dragover" && isFile);
    if (!isFile || type === "dragleave") return;
    event.preventDefault();
    if (type === "drop") take(event.dataTransfer.files[0]);
  });
}
area.addEventListener("input", () => {
  replaced.hidden = true;
  number();
});
area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop));
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== result) return;
  if (result.querySelector("[data-problem-lines]")) area.setAttribute("aria-invalid", "true");
  else area.removeAttribute("aria-invalid");
  number();
});

// Once is enough: the second press of a slow launch must not make a second cluster.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => delete form.dataset.sent);

for (const element of form.querySelectorAll("[data-needs-script]")) element.hidden = false;
gutter.hidden = false;
number();
if (area.value.trim() && !result.querySelector("[data-problem-lines], [name='checked']")) {
  document.addEventListener("DOMContentLoaded", look, { once: true });
  if (document.readyState !== "loading") setTimeout(look);
}
