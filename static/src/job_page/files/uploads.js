/* Files that were dropped or chosen, on their way into the run's folder: two at a time, each with its progress. */
import { find } from "../../dom.js";
import { Refusal } from "./api.js";
import { pathOf, shown } from "./listing.js";

const AT_ONCE = 2;

/** @typedef {{ file: File, path: string, row: HTMLElement, replace: boolean }} Upload */

export class Uploads {
  /**
   * @param {HTMLElement} list where they are shown
   * @param {HTMLTemplateElement} pattern
   * @param {import("./api.js").FilesApi} api
   * @param {() => void} done called when one has arrived
   */
  constructor(list, pattern, api, done) {
    this.list = list;
    this.pattern = pattern;
    this.api = api;
    this.done = done;
    /** @type {Upload[]} */
    this.waiting = [];
    this.running = 0;
  }

  /** @param {string} folder @param {{ file: File, name: string }[]} files `name` may have folders in it */
  add(folder, files) {
    for (const { file, name } of files) {
      const row = find(/** @type {any} */ (this.pattern.content.cloneNode(true)), "li");
      find(row, "[data-name]").textContent = shown(name);
      const path = name.split("/").reduce(pathOf, folder);
      const upload = { file, path, row, replace: false };
      find(row, "[data-replace]").addEventListener("click", () => {
        upload.replace = true;
        this.#queue(upload);
      });
      find(row, "[data-dismiss]").addEventListener("click", () => this.#remove(row));
      this.list.append(row);
      this.#queue(upload);
    }
    this.list.hidden = this.list.childElementCount === 0;
  }

  /** @param {HTMLElement} row */
  #remove(row) {
    row.remove();
    this.list.hidden = this.list.childElementCount === 0;
  }

  /** @param {Upload} upload */
  #queue(upload) {
    const { row } = upload;
    find(row, "[data-said]").textContent = "";
    find(row, "[data-replace]").hidden = find(row, "[data-dismiss]").hidden = true;
    find(row, "progress").hidden = false;
    row.classList.remove("is-error");
    this.waiting.push(upload);
    this.#next();
  }

  #next() {
    while (this.running < AT_ONCE) {
      const upload = this.waiting.shift();
      if (!upload) return;
      this.running += 1;
      this.#send(upload).finally(() => {
        this.running -= 1;
        this.#next();
      });
    }
  }

  /** @param {Upload} upload */
  async #send({ path, file, row, replace }) {
    const bar = find(row, "progress", HTMLProgressElement);
    try {
      await this.api.upload(path, file, { replace, onProgress: (share) => (bar.value = share) });
      this.#remove(row);
      this.done();
    } catch (error) {
      bar.hidden = true;
      row.classList.add("is-error");
      find(row, "[data-said]").textContent = error instanceof Error ? error.message : "";
      find(row, "[data-replace]").hidden = !(error instanceof Refusal && error.reason === "path_exists");
      find(row, "[data-dismiss]").hidden = false;
    }
  }
}

/**
 * Return the files of a drop, those in dropped folders too, and the folders that they need, outer ones first.
 *
 * @param {DataTransfer} transfer
 */
export async function dropped(transfer) {
  /** @type {{ file: File, name: string }[]} */
  const files = [];
  /** @type {string[]} */
  const folders = [];
  // Entries must be asked for before anything is waited for: the list is empty afterwards.
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const found = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  for (const each of found) {
    if (each instanceof File) files.push({ file: each, name: each.name });
    else if (each) await collect(each, "", files, folders);
  }
  return { files, folders };
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @param {{ file: File, name: string }[]} files
 * @param {string[]} folders
 */
async function collect(entry, folder, files, folders) {
  const name = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    files.push({ file: await new Promise((resolve, reject) => one.file(resolve, reject)), name });
    return;
  }
  folders.push(name);
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    // A browser gives a hundred at a time.
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const each of some) await collect(each, name, files, folders);
  }
}
