/* What a folder shows and in which order, sizes and paths as text, and which rows are in view. Pure. */

/**
 * @typedef {{ name: string, path: string, kind: "file" | "folder" | "link" | "other", size: number | null,
 *   modifiedAt: string | null, target: string | null }} Entry
 * @typedef {{ path: string, entries: Entry[], complete: boolean, place: "inputs" | "node" | "storage" }} Folder
 * @typedef {"name" | "size" | "modifiedAt"} Column
 */

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];
const names = new Intl.Collator(undefined, { numeric: true });
const AMBIGUOUS = /%(?=[0-9A-F]{2})/g;

/** @param {number} bytes "1.5 MB" */
export function sizeText(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : value} ${UNITS[unit]}`;
}

/**
 * Return the entries whose names contain the text, folders first, in this order. The order of equal ones is by name.
 *
 * @param {Entry[]} entries
 * @param {{ text: string, column: Column, down: boolean }} view
 */
export function arranged(entries, { text, column, down }) {
  const wanted = text.trim().toLocaleLowerCase();
  const found = wanted ? entries.filter(({ name }) => name.toLocaleLowerCase().includes(wanted)) : [...entries];
  const turn = down ? -1 : 1;
  // Compared by a key made once: 20,000 names are compared 300,000 times.
  const byName = new Map([...found].sort((a, b) => names.compare(a.name, b.name)).map((entry, at) => [entry, at]));
  /** @param {Entry} entry */
  const place = (entry) => byName.get(entry) ?? 0;
  return found.sort((a, b) => {
    const folders = Number(b.kind === "folder") - Number(a.kind === "folder");
    if (folders) return folders;
    if (column === "size" && a.size !== b.size) return turn * ((a.size ?? -1) - (b.size ?? -1));
    if (column === "modifiedAt" && a.modifiedAt !== b.modifiedAt) {
      return turn * ((a.modifiedAt ?? "") < (b.modifiedAt ?? "") ? -1 : 1);
    }
    return (column === "name" ? turn : 1) * (place(a) - place(b));
  });
}

/**
 * Return the path of something of this name in a folder. The name is text as a person writes it.
 *
 * @param {string} folder
 * @param {string} name
 */
export function pathOf(folder, name) {
  const written = name.replaceAll(AMBIGUOUS, "%25");
  return folder ? `${folder}/${written}` : written;
}

/** @param {string} path the folder that it is in */
export function parentOf(path) {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/**
 * Return the folders on the way to a path, the top first, without the top itself.
 *
 * @param {string} path
 */
export function crumbs(path) {
  const parts = path ? path.split("/") : [];
  return parts.map((name, at) => ({ name: shown(name), path: parts.slice(0, at + 1).join("/") }));
}

/** @param {string} name the name with its invisible characters written out, so that no name can pass for another */
export function shown(name) {
  return name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * Return the first row to draw and the row after the last, with some before and after those in view.
 *
 * @param {{ top: number, height: number, row: number, count: number, spare?: number }} view in pixels
 */
export function inView({ top, height, row, count, spare = 12 }) {
  const first = Math.max(0, Math.min(count, Math.floor(top / row)) - spare);
  const last = Math.min(count, Math.ceil((top + height) / row) + spare);
  return { first: Math.min(first, last), last };
}
