/* Text, tables and pictures among files: what a preview makes of bytes. Pure. */

export const PART = 64 * 1024;
export const MAX_PICTURE = 16 * 1024 * 1024;
export const MAX_EDIT = 1024 * 1024;
const PICTURES = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", bmp: "image/bmp" };

/** @param {string} name */
const ending = (name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

/** @param {string} name the type of a picture that a browser draws without running anything in it, or "" */
export function pictureType(name) {
  return /** @type {Record<string, string>} */ (PICTURES)[ending(name)] ?? "";
}

/** @param {string} name what separates the columns of such a file, or "" */
export function separatorOf(name) {
  return { csv: ",", tsv: "\t" }[ending(name)] ?? "";
}

/** @param {Uint8Array} bytes */
export function isBinary(bytes) {
  return bytes.includes(0);
}

/** @param {Uint8Array} bytes the text, or null if it is no UTF-8 */
export function exactText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** @param {string} text which line ends a text has: a field of a page changes those that are mixed */
export function lineEnds(text) {
  const all = text.split("\n").length - 1;
  const windows = text.split("\r\n").length - 1;
  const lone = text.split("\r").length - 1 - windows;
  if (lone) return "mixed";
  if (!windows) return "\n";
  return windows === all ? "\r\n" : "mixed";
}

/**
 * Return the lines of a part. A part that does not begin or end at a line's end has the rest of a line there.
 *
 * @param {string} text
 */
export function linesOf(text) {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Return the rows of a table as text (RFC 4180), at most so many.
 *
 * @param {string} text
 * @param {string} separator
 * @param {number} most
 */
export function tableOf(text, separator, most) {
  /** @type {string[][]} */
  const rows = [];
  let row = [""];
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < most; at += 1) {
    const c = text[at];
    const last = row.length - 1;
    if (quoted) {
      if (c !== '"') row[last] += c;
      else if (text[at + 1] === '"') {
        row[last] += '"';
        at += 1;
      } else quoted = false;
    } else if (c === '"' && row[last] === "") quoted = true;
    else if (c === separator) row.push("");
    else if (c === "\n") {
      rows.push(row);
      row = [""];
    } else if (c !== "\r") row[last] += c;
  }
  if (rows.length < most && (row.length > 1 || row[0])) rows.push(row);
  return rows;
}
