/* What was dropped or chosen: files, each with its path in the folder that it came in. */

/** @typedef {{ file: File, path: string }} Found */

/**
 * Return the files of a chooser; a chooser of folders tells their paths.
 *
 * @param {Iterable<File>} files
 * @returns {Found[]}
 */
export function chosenFiles(files) {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * Return the files that were dropped, those of folders included. Call it within the event: afterwards nothing is there.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Found[]>}
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry());
  const plain = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return chosenFiles(plain);
  /** @type {Found[]} */
  const found = [];
  for (const entry of entries) if (entry) await collect(entry, found);
  return found;
}

/** @param {FileSystemEntry} entry @param {Found[]} found */
async function collect(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\/+/, "") });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    // It tells at most 100 at once.
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const each of some) await collect(each, found);
  }
}

/**
 * Return what the list shows as one row: a file, or all files of one dropped folder.
 *
 * @param {Found[]} found
 * @returns {Map<string, Found[]>} by name; a folder's ends in "/"
 */
export function grouped(found) {
  /** @type {Map<string, Found[]>} */
  const groups = new Map();
  for (const each of found) {
    const [top, ...rest] = each.path.split("/");
    const name = rest.length ? `${top}/` : top;
    const group = groups.get(name);
    if (group) group.push(each);
    else groups.set(name, [each]);
  }
  return groups;
}
