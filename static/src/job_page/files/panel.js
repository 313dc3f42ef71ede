/* The Files panel of the job page: one tree before, during and after the run. */
import { announce, byId, closest, find, findAll } from "../../dom.js";
import { FilesApi, Refusal } from "./api.js";
import { Attention } from "./attention.js";
import { arranged, crumbs, parentOf, pathOf, shown } from "./listing.js";
import { Preview } from "./preview.js";
import { FileTable } from "./table.js";
import { Uploads, dropped } from "./uploads.js";

/** @typedef {import("./listing.js").Entry} Entry @typedef {import("./listing.js").Folder} Folder */

const QUIET_MS = 1500;
const POLL_MS = 10_000;

/** Show the files, and follow them while the run's folder is on its node and somebody uses the page. */
export function startFiles() {
  const panel = document.getElementById("job-files");
  if (panel) new FilesPanel(panel).start();
}

class FilesPanel {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel;
    this.api = new FilesApi(panel.dataset.api ?? "", panel.dataset.failed ?? "");
    this.table = new FileTable(panel, {
      open: (entry) => this.#open(entry),
      menu: (entry, what) => this.#act(entry, what),
      changed: () => this.#showChosen(),
    });
    this.preview = new Preview(byId("file-preview", HTMLDialogElement), this.api, () => this.load());
    this.uploads = new Uploads(
      find(panel, "[data-uploads]"), find(panel, "[data-upload-row]", HTMLTemplateElement), this.api, () => this.#soon(),
    );
    this.filter = find(panel, "[data-file-filter]", HTMLInputElement);
    this.path = "";
    /** @type {import("./listing.js").Column} */
    this.column = "name";
    this.down = false;
    /** @type {Folder | null} */
    this.folder = null;
    /** @type {AbortController | null} */
    this.loading = null;
    this.timer = 0;
    this.isSeen = false;
  }

  /** Load the top folder, and listen from now on. */
  start() {
    this.filter.addEventListener("input", () => this.#arrange());
    find(this.panel, "thead").addEventListener("click", (event) => this.#sort(event));
    this.panel.addEventListener("click", (event) => this.#clicked(event));
    const files = find(this.panel, "[data-upload-files]", HTMLInputElement);
    files.addEventListener("change", () => {
      this.uploads.add(this.path, [...(files.files ?? [])].map((file) => ({ file, name: file.name })));
      files.value = "";
    });
    this.#takeDrops();
    const attention = new Attention(document, () => {
      this.#rest(false);
      if (this.isSeen && this.#isOnNode && !document.querySelector("dialog[open]")) this.load();
    });
    document.addEventListener("headnode:job-state", () => {
      if (attention.isThere || !this.#isOnNode) this.#soon();
      else this.#rest(true);
    });
    new IntersectionObserver(([seen]) => {
      this.isSeen = Boolean(seen?.isIntersecting);
      if (this.isSeen && !this.folder) this.load();
    }).observe(this.panel);
    setInterval(() => {
      if (!this.isSeen || document.hidden || this.folder?.place !== "node" || document.querySelector("dialog[open]")) return;
      if (attention.isThere) this.load();
      else this.#rest(true);
    }, POLL_MS);
  }

  /** Whether a look at the files may be one at a node. */
  get #isOnNode() {
    return (this.folder?.place ?? "node") === "node";
  }

  /** Say that the list is not refreshed now. @param {boolean} rests */
  #rest(rests) {
    find(this.panel, "[data-rests]").hidden = !rests;
  }

  /** Load the folder again; what was chosen stays chosen as far as it is still there. */
  async load() {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    this.panel.setAttribute("aria-busy", "true");
    if (!this.folder) this.#state("loading");
    try {
      const folder = await this.api.list(this.path, signal);
      this.folder = folder;
      const there = new Set(folder.entries.map(({ path }) => path));
      for (const path of this.table.chosen.keys()) if (!there.has(path)) this.table.chosen.delete(path);
      this.#error("");
      this.#arrange();
    } catch (error) {
      if (error instanceof DOMException) return;
      // The run ended and its folder has gone elsewhere: what is there now begins at the top.
      if (error instanceof Refusal && error.status === 404 && this.path && this.folder) {
        this.#go(parentOf(this.path));
        return;
      }
      this.#failed(error);
      if (!this.folder?.entries.length) this.#state("failed");
    } finally {
      if (!signal.aborted) this.panel.removeAttribute("aria-busy");
    }
  }

  /** Load soon, once for many events. */
  #soon() {
    if (this.timer || !this.isSeen) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.load();
    }, QUIET_MS);
  }

  get #canChange() {
    return this.folder?.place === "node";
  }

  #arrange() {
    const { folder } = this;
    if (!folder) return;
    const entries = arranged(folder.entries, { text: this.filter.value, column: this.column, down: this.down });
    this.panel.dataset.place = folder.place;
    find(this.panel, "[data-place-text]").textContent = this.panel.dataset[folder.place] ?? "";
    for (const each of findAll(this.panel, "[data-live-only]")) each.hidden = !this.#canChange;
    find(this.panel, "[data-more]").hidden = folder.complete;
    this.table.show(entries, this.#canChange);
    this.#state(entries.length ? "ready" : folder.entries.length ? "none" : "empty");
    const empty = find(this.panel, "[data-empty-text]");
    empty.textContent = (this.path ? this.panel.dataset.emptyFolder : this.panel.dataset[`${folder.place}Empty`]) ?? "";
    find(this.panel, "[data-count]").textContent = (this.panel.dataset.count ?? "")
      .replace("%n", entries.length.toLocaleString())
      .replace("%of", folder.entries.length.toLocaleString());
    this.table.draw(true);
    this.#showCrumbs();
    this.#showChosen();
  }

  /** @param {"loading" | "ready" | "none" | "empty" | "failed"} state */
  #state(state) {
    this.panel.dataset.state = state;
  }

  /** @param {string} sentence */
  #error(sentence) {
    const place = find(this.panel, "[data-error]");
    place.hidden = !sentence;
    find(place, "[data-error-text]").textContent = sentence;
  }

  /** @param {unknown} error */
  #failed(error) {
    const sentence = error instanceof Error ? error.message : (this.panel.dataset.failed ?? "");
    this.#error(sentence);
    announce(sentence);
  }

  #showCrumbs() {
    const list = find(this.panel, "[data-crumbs]");
    const items = crumbs(this.path).map(({ name, path }, at, all) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.go = path;
      button.textContent = name;
      if (at === all.length - 1) button.setAttribute("aria-current", "page");
      item.append(button);
      return item;
    });
    list.replaceChildren(/** @type {Element} */ (list.firstElementChild), ...items);
  }

  #showChosen() {
    const paths = [...this.table.chosen.keys()];
    find(this.panel, "[data-selection]").hidden = !paths.length;
    find(this.panel, "[data-files=rename]").hidden = !this.#canChange || paths.length !== 1;
    find(this.panel, "[data-chosen]").textContent = (this.panel.dataset.chosen ?? "").replace("%n", paths.length.toLocaleString());
  }

  /** @param {string} path */
  #go(path) {
    this.path = path;
    this.folder = null;
    this.filter.value = "";
    this.table.reset();
    this.load().then(() => announce(shown(path) || (this.panel.dataset.top ?? "")));
  }

  /** @param {Entry} entry */
  async #open(entry) {
    if (entry.kind === "folder") {
      this.#go(entry.path);
      return;
    }
    if (entry.kind === "link") {
      // A link may lead to either: the folder is tried first.
      try {
        await this.api.list(entry.path);
        this.#go(entry.path);
        return;
      } catch (error) {
        if (!(error instanceof Refusal && error.reason === "not_a_folder")) {
          this.#failed(error);
          return;
        }
      }
    }
    this.preview.show(entry, this.#canChange);
  }

  /** @param {Entry} entry @param {string} what */
  #act(entry, what) {
    if (what === "download") this.#download(entry.kind === "folder" ? this.api.archiveUrl([entry.path]) : this.api.downloadUrl(entry.path));
    else if (what === "rename") this.#askName(this.panel.dataset.rename ?? "", entry);
    else if (what === "delete") this.#askDelete(this.table.chosen.has(entry.path) ? [...this.table.chosen.values()] : [entry]);
  }

  /** @param {string} url */
  #download(url) {
    const link = document.createElement("a");
    link.href = url;
    link.download = "";
    link.click();
  }

  /** @param {Event} event */
  #clicked(event) {
    const crumb = closest(event, "[data-go]");
    if (crumb) this.#go(crumb.dataset.go ?? "");
    const what = closest(event, "[data-files]")?.dataset.files ?? "";
    if (what === "reload") this.load();
    else if (what === "upload") find(this.panel, "[data-upload-files]").click();
    else if (what === "new-folder") this.#askName(this.panel.dataset.newFolder ?? "", null);
    else if (what === "zip") this.#zip([...this.table.chosen.keys()]);
    else if (what === "zip-all") this.#download(this.api.archiveUrl(this.path ? [this.path] : []));
    else if (what === "delete") this.#askDelete([...this.table.chosen.values()]);
    else if (what === "rename") this.#askName(this.panel.dataset.rename ?? "", [...this.table.chosen.values()][0] ?? null);
    else if (what === "clear") {
      this.table.chosen.clear();
      this.table.draw(true);
      this.#showChosen();
    }
  }

  /** @param {string[]} paths */
  #zip(paths) {
    const all = paths.length > 1 && paths.length === this.folder?.entries.length;
    const wanted = all ? (this.path ? [this.path] : []) : paths;
    const url = this.api.archiveUrl(wanted);
    // Servers and proxies take no longer addresses.
    if (url.length > 7000) this.#error(this.panel.dataset.tooMany ?? "");
    else this.#download(url);
  }

  /** @param {Event} event */
  #sort(event) {
    const button = closest(event, "[data-sort]");
    if (!button) return;
    const column = /** @type {import("./listing.js").Column} */ (button.dataset.sort);
    this.down = column === this.column ? !this.down : column !== "name";
    this.column = column;
    for (const each of findAll(this.panel, "[data-sort]")) {
      const order = each === button ? (this.down ? "descending" : "ascending") : "none";
      each.closest("th")?.setAttribute("aria-sort", order);
    }
    this.#arrange();
  }

  /** @param {string} title @param {Entry | null} entry rename this, or make a folder */
  #askName(title, entry) {
    const dialog = byId("file-name", HTMLDialogElement);
    const field = find(dialog, "input", HTMLInputElement);
    find(dialog, "[data-title]").textContent = title;
    const error = find(dialog, "[data-error]");
    error.textContent = "";
    field.value = entry?.name ?? "";
    const form = find(dialog, "form", HTMLFormElement);
    find(dialog, "[data-cancel]").onclick = () => dialog.close();
    form.onsubmit = async (event) => {
      event.preventDefault();
      const path = pathOf(entry ? parentOf(entry.path) : this.path, field.value);
      try {
        if (!entry) await this.api.makeFolder(path);
        else if (path !== entry.path) await this.api.rename(entry.path, path);
        dialog.close();
        this.load();
      } catch (failed) {
        error.textContent = failed instanceof Error ? failed.message : "";
      }
    };
    dialog.showModal();
    const dot = field.value.lastIndexOf(".");
    field.setSelectionRange(0, dot > 0 ? dot : field.value.length);
  }

  /** @param {Entry[]} entries */
  #askDelete(entries) {
    const dialog = byId("file-delete", HTMLDialogElement);
    const names = entries.slice(0, 5).map(({ name }) => shown(name)).join(", ");
    const [one, many] = [this.panel.dataset.deleteOne ?? "", this.panel.dataset.deleteMany ?? ""];
    find(dialog, "[data-text]").textContent = entries.length === 1 ? one.replace("%name", () => names) : many.replace("%n", String(entries.length));
    dialog.returnValue = "";
    dialog.onclose = async () => {
      if (dialog.returnValue !== "accept") return;
      try {
        for (const entry of entries) {
          await this.api.remove(entry.path);
          this.table.chosen.delete(entry.path);
        }
        await this.load();
      } catch (error) {
        await this.load();
        this.#failed(error);
      }
    };
    dialog.showModal();
  }

  #takeDrops() {
    let depth = 0;
    /** @param {DragEvent} event */
    const isWanted = (event) => this.#canChange && Boolean(event.dataTransfer?.types.includes("Files"));
    /** @param {number} now */
    const show = (now) => {
      depth = now;
      this.panel.classList.toggle("is-dropping", depth > 0);
    };
    this.panel.addEventListener("dragenter", (event) => isWanted(event) && show(depth + 1));
    this.panel.addEventListener("dragleave", () => show(Math.max(0, depth - 1)));
    this.panel.addEventListener("dragover", (event) => isWanted(event) && event.preventDefault());
    this.panel.addEventListener("drop", async (event) => {
      show(0);
      if (!isWanted(event) || !event.dataTransfer) return;
      event.preventDefault();
      const folder = this.path;
      const { files, folders } = await dropped(event.dataTransfer);
      try {
        for (const name of folders) {
          await this.api.makeFolder(name.split("/").reduce(pathOf, folder)).catch((error) => {
            if (!(error instanceof Refusal && error.reason === "path_exists")) throw error;
          });
        }
        this.uploads.add(folder, files);
        this.#soon();
      } catch (error) {
        this.#failed(error);
      }
    });
  }
}
