/* The rows of a folder: only those in view are in the page, so that 20,000 entries cost what thirty do. */
import { closest, find } from "../../dom.js";
import { localTime } from "../../times.js";
import { inView, shown, sizeText } from "./listing.js";

/** @typedef {import("./listing.js").Entry} Entry */

const KINDS = /** @type {const} */ ({ file: "file", folder: "folder", link: "link", other: "other" });

export class FileTable {
  /**
   * @param {HTMLElement} panel
   * @param {{ open: (entry: Entry) => void, menu: (entry: Entry, what: string) => void, changed: () => void }} on
   */
  constructor(panel, on) {
    this.scroll = find(panel, "[data-file-scroll]");
    this.body = find(panel, "[data-file-rows]");
    this.table = find(panel, "table", HTMLTableElement);
    this.all = find(panel, "[data-file-all]", HTMLInputElement);
    this.pattern = find(panel, "[data-file-row]", HTMLTemplateElement);
    this.on = on;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Map<string, Entry>} */
    this.chosen = new Map();
    this.canChange = false;
    this.active = 0;
    this.drawn = "";
    this.scroll.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw(true)).observe(this.scroll);
    this.body.addEventListener("click", (event) => this.#clicked(event));
    this.body.addEventListener("change", (event) => this.#ticked(event));
    this.body.addEventListener("keydown", (event) => this.#key(event));
    this.all.addEventListener("change", () => this.#allTicked());
  }

  /** @param {Entry[]} entries in the order in which they are shown @param {boolean} canChange */
  show(entries, canChange) {
    this.entries = entries;
    this.canChange = canChange;
    this.active = Math.min(this.active, Math.max(0, entries.length - 1));
    this.table.setAttribute("aria-rowcount", String(entries.length + 1));
    this.draw(true);
  }

  /** Forget what was chosen and begin at the top. */
  reset() {
    this.chosen.clear();
    this.active = 0;
    this.scroll.scrollTop = 0;
  }

  /** @param {boolean} [anew] draw also if the same rows are in view */
  draw(anew = false) {
    const row = this.#rowHeight();
    const head = this.table.tHead?.offsetHeight ?? 0;
    const top = Math.max(0, this.scroll.scrollTop - head);
    const { first, last } = inView({ top, height: this.scroll.clientHeight, row, count: this.entries.length });
    const drawn = `${first}-${last}`;
    if (drawn === this.drawn && !anew) return;
    this.drawn = drawn;
    const focused = document.activeElement instanceof HTMLElement && this.body.contains(document.activeElement);
    const what = focused ? (document.activeElement?.getAttribute("data-act") ?? "") : "";
    const rows = this.entries.slice(first, last).map((entry, at) => this.#row(entry, first + at));
    this.body.replaceChildren(spacer(first * row), ...rows, spacer((this.entries.length - last) * row));
    if (focused) this.#focus(what);
    this.#showAll();
  }

  /** @param {Entry} entry @param {number} at */
  #row(entry, at) {
    const row = /** @type {HTMLElement} */ (find(/** @type {any} */ (this.pattern.content.cloneNode(true)), "tr"));
    row.dataset.at = String(at);
    row.dataset.kind = KINDS[entry.kind];
    row.setAttribute("aria-rowindex", String(at + 2));
    const tick = find(row, "input", HTMLInputElement);
    tick.checked = this.chosen.has(entry.path);
    tick.setAttribute("aria-label", shown(entry.name));
    row.classList.toggle("is-chosen", tick.checked);
    const name = find(row, "[data-act=open]", HTMLButtonElement);
    find(name, "[data-name]").textContent = shown(entry.name);
    name.title = shown(entry.target === null ? entry.name : `${entry.name} → ${entry.target}`);
    if (entry.kind === "other") name.setAttribute("aria-disabled", "true"); // it keeps the focus of the keyboard
    find(name, "[data-target]").textContent = entry.target === null ? "" : ` → ${shown(entry.target)}`;
    find(row, "[data-size]").textContent = entry.size === null ? "" : sizeText(entry.size);
    if (entry.size !== null) find(row, "[data-size]").title = `${entry.size.toLocaleString()} B`;
    const time = find(row, "time", HTMLTimeElement);
    if (entry.modifiedAt) {
      time.dateTime = entry.modifiedAt;
      time.textContent = localTime(new Date(entry.modifiedAt));
    }
    for (const each of row.querySelectorAll("[data-change]")) each.toggleAttribute("hidden", !this.canChange);
    find(row, "[data-act=download]").hidden = entry.kind === "other";
    return row;
  }

  /** Return the height of a row in pixels: `--file-row` is in rem. */
  #rowHeight() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    return (parseFloat(getComputedStyle(this.scroll).getPropertyValue("--file-row")) || 2.25) * rem;
  }

  /** @param {Event} event @returns {Entry | undefined} */
  #entryOf(event) {
    const row = closest(event, "tr[data-at]");
    if (!row) return undefined;
    this.active = Number(row.dataset.at);
    return this.entries[this.active];
  }

  /** @param {Event} event */
  #clicked(event) {
    const act = closest(event, "[data-act]")?.dataset.act ?? "";
    const entry = this.#entryOf(event);
    if (!entry || !act || act === "tick") return;
    if (act === "open") {
      if (entry.kind !== "other") this.on.open(entry);
    } else this.on.menu(entry, act);
  }

  /** @param {Event} event */
  #ticked(event) {
    const entry = this.#entryOf(event);
    const tick = event.target;
    if (!entry || !(tick instanceof HTMLInputElement)) return;
    if (tick.checked) this.chosen.set(entry.path, entry);
    else this.chosen.delete(entry.path);
    tick.closest("tr")?.classList.toggle("is-chosen", tick.checked);
    this.#showAll();
    this.on.changed();
  }

  #allTicked() {
    this.chosen.clear();
    if (this.all.checked) for (const entry of this.entries) this.chosen.set(entry.path, entry);
    this.draw(true);
    this.on.changed();
  }

  #showAll() {
    const count = this.chosen.size;
    this.all.checked = count > 0 && count >= this.entries.length;
    this.all.indeterminate = count > 0 && !this.all.checked;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const act = closest(event, "[data-act]")?.dataset.act ?? "";
    const entry = this.#entryOf(event);
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.#rowHeight()) - 1);
    const last = this.entries.length - 1;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -last, End: last };
    const by = /** @type {Record<string, number>} */ (moves)[event.key];
    if (by !== undefined) {
      event.preventDefault();
      this.active = Math.max(0, Math.min(last, this.active + by));
      this.#reveal();
      this.#focus(act);
    } else if (event.key === "Delete" && entry && this.canChange) {
      this.on.menu(entry, "delete");
    } else if (event.key === "F2" && entry && this.canChange) {
      event.preventDefault();
      this.on.menu(entry, "rename");
    }
  }

  /** Scroll until the active row is in view. */
  #reveal() {
    const row = this.#rowHeight();
    const head = this.table.tHead?.offsetHeight ?? 0;
    const top = this.active * row;
    const room = this.scroll.clientHeight - head;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (top + row > this.scroll.scrollTop + room) this.scroll.scrollTop = top + row - room;
    this.draw();
  }

  /** @param {string} what the control of the row that has the focus */
  #focus(what) {
    const row = this.body.querySelector(`tr[data-at="${this.active}"]`);
    const control = row?.querySelector(`[data-act="${what || "open"}"]`);
    if (control instanceof HTMLElement) control.focus({ preventScroll: true });
  }
}

/** @param {number} height an empty row in place of those that are not drawn */
function spacer(height) {
  const row = document.createElement("tr");
  row.className = "file-spacer";
  row.setAttribute("aria-hidden", "true");
  const cell = document.createElement("td");
  cell.colSpan = 5;
  cell.style.height = `${height}px`;
  row.append(cell);
  row.hidden = height === 0;
  return row;
}
