/* The input files of the New job form: what is dropped or chosen goes out at once, and the form sends the ids. */
import { announce, csrfToken, find } from "../dom.js";
import { duration } from "../durations.js";
import { chosenFiles, droppedFiles, grouped } from "./dropped.js";
import { startLibrary } from "./library.js";
import { Rate, sizeText } from "./rate.js";
import { Row } from "./rows.js";
import { Item, UploadQueue } from "./upload_queue.js";

/** @typedef {import("./dropped.js").Found} Found */
/** @typedef {import("./rows.js").Chosen} Chosen */

const ENDPOINT = "/api/v2/uploads/";
const KEPT = "headnode:inputs:";

/**
 * Start the section. Call it after the form's fields have been filled again, and before its other listeners.
 *
 * @param {HTMLFormElement} form
 */
export function startInputs(form) {
  const root = find(form, "[data-inputs]");
  const words = root.dataset;
  const field = find(root, "input[name=inputs]", HTMLInputElement);
  const template = find(root, "[data-row]", HTMLTemplateElement);
  const list = find(root, "[data-rows]");
  const total = find(root, "[data-total]");
  const drop = find(root, "[data-drop]");
  const problem = find(root, "[data-unfinished-error]");
  const rate = new Rate();
  /** @type {Set<Row>} */
  const rows = new Set();
  /** @type {Map<Item, Row>} */
  const rowOf = new Map();
  const queue = new UploadQueue({ endpoint: ENDPOINT, csrfToken, changed, sentences: { line: words.line ?? "" } });
  const keptAt = KEPT + words.for;
  /** @type {Set<Row>} */
  const stale = new Set();
  let isDrawing = false;

  /** @param {Item} item */
  function changed(item) {
    const row = rowOf.get(item);
    if (row) draw(row);
    if (row && item.state === "done" && row.isDone) announce(`${row.name}: ${words.done}`);
  }

  /** Write rows again, at most once for each picture on the screen. @param {Row} [row] */
  function draw(row) {
    if (row) stale.add(row);
    if (isDrawing) return;
    isDrawing = true;
    setTimeout(() => {
      isDrawing = false;
      for (const each of stale) each.show();
      stale.clear();
      showTotal();
      save();
    }, 100);
  }

  function showTotal() {
    const items = [...rowOf.keys()];
    const unfinished = items.filter(({ state }) => state !== "done");
    const wasHidden = total.hidden;
    total.hidden = unfinished.length === 0;
    if (unfinished.length === 0) {
      if (!wasHidden) showQuota().catch(() => {});
      problem.hidden = true;
      return;
    }
    const size = items.reduce((sum, item) => sum + item.size, 0);
    const sent = items.reduce((sum, item) => sum + item.sent, 0);
    rate.note(sent, performance.now());
    find(total, "progress", HTMLProgressElement).value = size ? sent / size : 0;
    const texts = [(words.of ?? "").replace("%a", sizeText(sent)).replace("%b", sizeText(size))];
    const seconds = rate.secondsFor(size - sent);
    if (seconds !== null && items.some(({ state }) => state === "sending")) {
      texts.push(`${sizeText(rate.perSecond)}/s`, (words.left ?? "").replace("%t", duration(seconds)));
    }
    find(total, "[data-total-text]").textContent = texts.join(" · ");
    find(total, "[data-pause-all]").hidden = !items.some(({ state }) => state === "sending" || state === "waiting");
    find(total, "[data-resume-all]").hidden = !items.some(({ state }) => state === "paused" || state === "failed");
  }

  /** Put the ids of what has arrived into the form, and keep what they are in this tab. */
  function save() {
    const chosen = [...rows].filter((row) => row.isDone).map((row) => row.asChosen);
    const value = chosen.flatMap(({ ids }) => ids).join(" ");
    if (value === field.value) return;
    field.value = value;
    try {
      sessionStorage.setItem(keptAt, JSON.stringify(chosen));
    } catch {
      // Storage is full or switched off: the ids are in the form all the same.
    }
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {{ name: string, chosen?: Chosen, items?: Item[] }} options */
  function addRow(options) {
    const row = new Row({ ...options, template, words, go, remove });
    rows.add(row);
    for (const item of row.items) rowOf.set(item, row);
    list.append(row.element);
    return row;
  }

  /** @param {Row} row */
  function go(row) {
    const stopped = row.items.filter(({ state }) => state === "failed" || state === "paused");
    if (stopped.length) for (const item of stopped) queue.resume(item);
    else for (const item of row.items) queue.pause(item);
    draw(row);
  }

  /** @param {Row} row */
  function remove(row) {
    const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
    rows.delete(row);
    for (const item of row.items) {
      rowOf.delete(item);
      queue.remove(item);
    }
    row.element.remove();
    (next ? find(next, "[data-remove]") : find(root, "[data-choose-files]")).focus();
    draw();
  }

  /** @param {Found[]} found */
  function add(found) {
    for (const [name, files] of grouped(found)) {
      // A file that is dropped again takes the place of the one that was there.
      for (const row of rows) if (row.name === name && !row.isDone) remove(row);
      const items = files.map((each) => new Item(each));
      addRow({ name, items });
      brokenOff.get(name)?.remove();
      queue.add(items);
    }
    draw();
  }

  // --- Choosing --------------------------------------------------------------------------------------------------

  for (const kind of ["files", "folder"]) {
    const input = find(root, `[data-${kind}]`, HTMLInputElement);
    find(root, `[data-choose-${kind}]`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      add(chosenFiles(input.files ?? []));
      input.value = "";
    });
  }
  for (const kind of ["dragenter", "dragover"]) {
    root.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  root.addEventListener("dragleave", (event) => {
    if (!(event.relatedTarget instanceof Node && root.contains(event.relatedTarget))) drop.classList.remove("is-over");
  });
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    if (event.dataTransfer) droppedFiles(event.dataTransfer).then(add, () => announce(words.line ?? ""));
  });
  startLibrary(root, (files) => {
    const present = new Set(field.value.split(" "));
    for (const { id, relativePath, decryptedSize } of files) {
      if (!present.has(id)) addRow({ name: relativePath, chosen: { name: relativePath, files: 1, size: decryptedSize, ids: [id] } });
    }
    draw();
  });
  find(total, "[data-pause-all]").addEventListener("click", () => {
    for (const item of rowOf.keys()) queue.pause(item);
  });
  find(total, "[data-resume-all]").addEventListener("click", () => {
    for (const item of rowOf.keys()) queue.resume(item);
  });
  window.addEventListener("online", () => {
    for (const item of rowOf.keys()) if (item.state === "failed" && item.lineFailed) queue.resume(item);
  });

  // --- The form --------------------------------------------------------------------------------------------------

  form.addEventListener("submit", (event) => {
    if (![...rowOf.keys()].some(({ state }) => state !== "done")) {
      save();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    find(problem, "span").textContent = words.unfinished ?? "";
    problem.hidden = false;
    problem.scrollIntoView({ block: "center" });
  });
  window.addEventListener("beforeunload", (event) => {
    if ([...rowOf.keys()].some(({ state }) => state === "sending")) event.preventDefault();
  });
  form.addEventListener("reset", () => {
    for (const row of [...rows]) remove(row);
  });

  // --- What was there before -------------------------------------------------------------------------------------

  for (const chosen of keptOf(field.value, keptAt)) addRow({ name: chosen.name, chosen });
  /** @type {Map<string, HTMLElement>} */
  const brokenOff = new Map();
  showBrokenOff().catch(() => {});
  showQuota().catch(() => {});

  async function showBrokenOff() {
    const answer = await fetch(`${ENDPOINT}?page_size=20`);
    for (const { id, name, relativePath, offset, length } of (await answer.json()).results) {
      if (relativePath !== name || brokenOff.has(name) || [...rows].some((row) => row.name === name)) continue;
      const item = new Item({ file: /** @type {any} */ ({ size: length }), path: name });
      const row = new Row({ name, items: [item], template, words, go: () => {}, remove: () => void giveUp(id, row) });
      find(row.element, "progress", HTMLProgressElement).value = length ? offset / length : 0;
      find(row.element, "[data-go]").hidden = true;
      find(row.element, "[data-facts]").textContent = (words.again ?? "").replace("%a", sizeText(offset)).replace("%b", sizeText(length));
      brokenOff.set(name, row.element);
      find(root, "[data-broken-off]").append(row.element);
    }
  }

  /** @param {string} id @param {Row} row */
  async function giveUp(id, row) {
    row.element.remove();
    await fetch(`${ENDPOINT}${id}/`, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken() } });
  }

  async function showQuota() {
    const { headers } = await fetch("/api/v2/files/?page_size=1");
    const [used, quota] = [headers.get("X-Upload-Used-Bytes"), headers.get("X-Upload-Quota-Bytes")];
    if (used === null || quota === null) return;
    find(root, "[data-quota]").textContent = (words.use ?? "").replace("%a", sizeText(Number(used))).replace("%b", sizeText(Number(quota)));
  }
}

/**
 * Return what the ids in the form are, as this tab remembers it.
 *
 * @param {string} value
 * @param {string} keptAt
 * @returns {Chosen[]}
 */
function keptOf(value, keptAt) {
  const ids = value.split(" ").filter(Boolean);
  /** @type {Chosen[]} */
  let kept = [];
  try {
    kept = JSON.parse(sessionStorage.getItem(keptAt) ?? "[]");
  } catch {
    // Nothing is remembered.
  }
  const found = kept.filter((each) => each.ids.every((id) => ids.includes(id)));
  const known = new Set(found.flatMap((each) => each.ids));
  const rest = ids.filter((id) => !known.has(id));
  return [...found, ...rest.map((id) => ({ name: id, files: 1, size: 0, ids: [id] }))];
}
