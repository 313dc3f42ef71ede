/* Reads an asciicast (version 2): a header line, then [seconds, code, data] lines. Pure. */

/** @typedef {{ version: 2, width: number, height: number, title?: string }} Header */
/** @typedef {{ at: number, code: "o" | "r" | "m", data: string }} Event output, resize or marker, at a time in seconds */

/**
 * Parse an asciicast. Raise if the text is none.
 *
 * @param {string} text
 * @returns {{ header: Header, events: Event[] }}
 */
export function parse(text) {
  const lines = text.split("\n");
  const header = JSON.parse(lines[0]);
  if (header?.version !== 2) throw new Error("not an asciicast of version 2");
  /** @type {Event[]} */
  const events = [];
  for (const line of lines.slice(1)) {
    if (!line) continue;
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      break; // the recording was cut off within this line
    }
    const [at, code, data] = event;
    if (code === "o" || code === "r" || code === "m") events.push({ at, code, data });
  }
  return { header, events };
}

/**
 * Return the size in the data of a resize event: "90x30" -> {cols: 90, rows: 30}. Return null for anything else.
 *
 * @param {string} data
 */
export function sizeOf(data) {
  const found = /^(\d{1,4})x(\d{1,4})$/.exec(data);
  return found ? { cols: Number(found[1]), rows: Number(found[2]) } : null;
}
