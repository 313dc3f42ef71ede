/* A file in a dialog: text with line numbers (the first and the last part), tables, pictures; small text can be edited. */
import { find } from "../../dom.js";
import { shown, sizeText } from "./listing.js";
import { MAX_EDIT, MAX_PICTURE, PART, exactText, isBinary, lineEnds, linesOf, pictureType, separatorOf, tableOf } from "./text_parts.js";

/** @typedef {import("./listing.js").Entry} Entry */

const MAX_ROWS = 300;
const MAX_COLUMNS = 60;
const SHOWN_LINES = 5000;

export class Preview {
  /** @param {HTMLDialogElement} dialog @param {import("./api.js").FilesApi} api @param {() => void} saved */
  constructor(dialog, api, saved) {
    this.dialog = dialog;
    this.api = api;
    this.saved = saved;
    this.content = find(dialog, "[data-content]");
    this.note = find(dialog, "[data-note]");
    this.field = find(dialog, "textarea", HTMLTextAreaElement);
    this.edit = find(dialog, "[data-edit]", HTMLButtonElement);
    this.save = find(dialog, "[data-save]", HTMLButtonElement);
    this.tag = this.text = this.ends = this.path = "";
    this.isWarned = false;
    /** @type {AbortController | null} */
    this.reading = null;
    this.edit.addEventListener("click", () => this.#startEdit());
    this.save.addEventListener("click", () => this.#save());
    this.field.addEventListener("input", () => (this.save.disabled = this.field.value === this.text));
    this.field.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "s") {
        event.preventDefault();
        if (!this.save.disabled) this.#save();
      }
    });
    dialog.addEventListener("close", () => this.reading?.abort());
    find(dialog, "form", HTMLFormElement).addEventListener("submit", (event) => {
      if (!this.#isChanged() || this.isWarned) return;
      event.preventDefault();
      this.isWarned = true;
      this.#say(dialog.dataset.unsaved ?? "", true);
    });
    dialog.addEventListener("cancel", (event) => {
      if (this.#isChanged()) event.preventDefault(); // Escape must not lose what was written
    });
  }

  /** @param {Entry} entry @param {boolean} canChange */
  async show(entry, canChange) {
    this.reading?.abort();
    this.reading = new AbortController();
    this.path = entry.path;
    find(this.dialog, "[data-title]").textContent = shown(entry.name);
    find(this.dialog, "[data-download]", HTMLAnchorElement).href = this.api.downloadUrl(entry.path);
    this.#reset();
    this.#say(this.dialog.dataset.loading ?? "");
    if (!this.dialog.open) this.dialog.showModal();
    try {
      await this.#load(entry, canChange, this.reading.signal);
    } catch (error) {
      if (error instanceof DOMException) return;
      this.#say(error instanceof Error ? error.message : "", true);
    }
  }

  /** @param {Entry} entry @param {boolean} canChange @param {AbortSignal} signal */
  async #load(entry, canChange, signal) {
    const type = pictureType(entry.name);
    const picture = type ? await this.#whole(entry, MAX_PICTURE, signal) : null;
    if (picture) {
      await this.#picture(picture, type, entry);
      return;
    }
    // Small files whole, so that they can be edited; of others the first part and the last.
    const small = await this.#whole(entry, MAX_EDIT, signal);
    const response = small ?? (await this.api.read(entry.path, `bytes=0-${PART - 1}`, signal));
    const bytes = new Uint8Array(await response.arrayBuffer());
    const total = Number(/\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1] ?? bytes.length);
    if (isBinary(bytes)) {
      this.#say(this.#words("binary", { size: sizeText(total) }));
      return;
    }
    this.#say(total ? sizeText(total) : (this.dialog.dataset.empty ?? ""));
    const text = (small && exactText(bytes)) ?? new TextDecoder().decode(bytes);
    const separator = separatorOf(entry.name);
    if (separator) this.#table(tableOf(text, separator, MAX_ROWS + 1));
    else if (small) this.#allLines(linesOf(text));
    else await this.#parts(entry.path, text, total, signal);
    if (!small || !canChange || entry.kind !== "file" || exactText(bytes) === null) return;
    this.ends = lineEnds(text);
    this.text = text.replaceAll("\r\n", "\n");
    this.tag = small.headers.get("ETag") ?? "";
    this.edit.hidden = this.ends === "mixed";
  }

  /**
   * Ask for all of a file. Return null if it is longer: it may have grown since it was listed.
   *
   * @param {Entry} entry
   * @param {number} most
   * @param {AbortSignal} signal
   */
  async #whole(entry, most, signal) {
    if ((entry.size ?? 0) > most) return null;
    const response = await this.api.read(entry.path, "", signal);
    if (Number(response.headers.get("Content-Length") ?? 0) <= most) return response;
    await response.body?.cancel();
    return null;
  }

  /** @param {Response} response @param {string} type @param {Entry} entry */
  async #picture(response, type, entry) {
    const picture = document.createElement("img");
    picture.alt = shown(entry.name);
    picture.src = await dataUrl(new Blob([await response.arrayBuffer()], { type }));
    const failed = () => this.#say(this.dialog.dataset.badPicture ?? "", true);
    picture.addEventListener("error", failed);
    picture.addEventListener("load", () => {
      this.#say(`${picture.naturalWidth} × ${picture.naturalHeight}, ${sizeText(entry.size ?? 0)}`);
    });
    this.content.replaceChildren(picture);
  }

  /** @param {string[]} lines all lines of a file; of many the first and the last are shown */
  #allLines(lines) {
    const hidden = lines.length - 2 * SHOWN_LINES;
    if (hidden <= 0) {
      this.content.append(block(lines, 1));
      return;
    }
    const last = lines.length - SHOWN_LINES;
    const gap = this.#gap(this.#words("gapLines", { n: hidden.toLocaleString() }));
    this.content.append(block(lines.slice(0, SHOWN_LINES), 1), gap, block(lines.slice(last), last + 1));
  }

  /** @param {string} path @param {string} text its beginning @param {number} total @param {AbortSignal} signal */
  async #parts(path, text, total, signal) {
    const first = linesOf(text);
    if (total > PART && first.length > 1) first.pop(); // a part of a line
    this.content.append(block(first, 1));
    if (total <= PART) return;
    const start = Math.max(PART, total - PART);
    const response = await this.api.read(path, `bytes=${start}-${total - 1}`, signal);
    const lines = linesOf(new TextDecoder().decode(await response.arrayBuffer()));
    if (lines.length > 1) lines.shift();
    // Nobody has counted the lines between: these are numbered from the end.
    this.content.append(this.#gap(this.#words("gap", { size: sizeText(start - PART) })), block(lines, -lines.length));
  }

  /** @param {string} sentence */
  #gap(sentence) {
    const gap = document.createElement("p");
    gap.className = "file-gap";
    gap.textContent = sentence;
    return gap;
  }

  /** @param {string[][]} rows */
  #table(rows) {
    const table = document.createElement("table");
    table.className = "table file-csv";
    const head = table.createTHead().insertRow();
    const [names = [], ...rest] = rows;
    for (const name of names.slice(0, MAX_COLUMNS)) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rest.slice(0, MAX_ROWS)) {
      const line = body.insertRow();
      for (const value of row.slice(0, MAX_COLUMNS)) line.insertCell().textContent = value;
    }
    this.content.append(table);
    if (rows.length > MAX_ROWS) this.#say(this.#words("rows", { n: String(MAX_ROWS) }));
  }

  #startEdit() {
    this.field.value = this.text;
    this.field.hidden = this.save.hidden = false;
    this.content.hidden = this.edit.hidden = true;
    this.save.disabled = true;
    this.field.focus();
    this.field.setSelectionRange(0, 0);
  }

  async #save() {
    const text = this.ends === "\r\n" ? this.field.value.replaceAll("\n", "\r\n") : this.field.value;
    this.save.disabled = true;
    try {
      const response = await this.api.save(this.path, text, this.tag);
      this.tag = response.headers.get("ETag") ?? "";
      this.text = this.field.value;
      this.#say(this.dialog.dataset.saved ?? "");
      this.saved();
    } catch (error) {
      this.save.disabled = false;
      this.#say(error instanceof Error ? error.message : "", true);
    }
  }

  #isChanged() {
    return !this.field.hidden && this.field.value !== this.text;
  }

  #reset() {
    this.content.replaceChildren();
    this.content.hidden = false;
    this.field.hidden = this.save.hidden = this.edit.hidden = true;
    this.field.value = this.text = "";
    this.isWarned = false;
  }

  /** @param {string} sentence @param {boolean} [isError] */
  #say(sentence, isError = false) {
    this.note.textContent = sentence;
    this.note.classList.toggle("is-error", isError);
  }

  /** @param {string} name @param {Record<string, string>} values */
  #words(name, values) {
    return Object.entries(values).reduce((text, [key, value]) => text.replace(`%${key}`, value), this.dialog.dataset[name] ?? "");
  }
}

/** @param {string[]} lines @param {number} first the number of the first; copying leaves numbers out */
function block(lines, first) {
  const pre = document.createElement("pre");
  pre.className = "file-lines";
  for (const [at, line] of lines.entries()) {
    const row = document.createElement("span");
    row.dataset.line = String(first + at);
    row.textContent = `${line}\n`;
    pre.append(row);
  }
  return pre;
}

/** @param {Blob} blob @returns {Promise<string>} */
function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
