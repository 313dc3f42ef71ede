/* Reads an asciicast (version 2): a header line, then [seconds, code, data] lines. Pure. */

/** Parse its text: {header: {width, height, title...}, events: [{at, code, data}]}. Throws on what is no asciicast. */
export function parse(text) {
  const lines = text.split("\n");
  const header = JSON.parse(lines[0]);
  if (header?.version !== 2) throw new Error("not an asciicast of version 2");
  const events = [];
  for (const line of lines.slice(1)) {
    if (!line) continue;
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      break; // cut off in the middle of a line: what came before is whole
    }
    const [at, code, data] = event;
    if (code === "o" || code === "r" || code === "m") events.push({ at, code, data });
  }
  return { header, events };
}

/** "90x30" -> {cols: 90, rows: 30}; null for anything else. */
export function sizeOf(data) {
  const found = /^(\d{1,4})x(\d{1,4})$/.exec(data);
  return found ? { cols: Number(found[1]), rows: Number(found[2]) } : null;
}
