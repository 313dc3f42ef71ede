/* The scrollback of a terminal as a text file. */

/**
 * Return all lines; those that were wrapped are put together again.
 *
 * @param {Pick<import("@xterm/xterm").Terminal, "buffer">} terminal
 */
export function scrollbackText(terminal) {
  const buffer = terminal.buffer.normal;
  /** @type {string[]} */
  const lines = [];
  for (let row = 0; row < buffer.length; row += 1) {
    const line = buffer.getLine(row);
    if (!line) continue;
    const next = buffer.getLine(row + 1);
    const text = next?.isWrapped ? line.translateToString(false, 0, wrappedLength(line, next)) : line.translateToString(true);
    if (line.isWrapped && lines.length) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return `${lines.join("\n")}\n`;
}

/**
 * Return how many columns of a wrapped line hold text: the last one is left empty where a wide character did not fit.
 *
 * @param {import("@xterm/xterm").IBufferLine} line
 * @param {import("@xterm/xterm").IBufferLine} next
 */
function wrappedLength(line, next) {
  const last = line.getCell(line.length - 1);
  const isEmpty = last?.getChars() === "" && last.getWidth() === 1;
  return isEmpty && next.getCell(0)?.getWidth() === 2 ? line.length - 1 : line.length;
}

/**
 * Return a file name of letters and digits, which suits every file system: "Wing-flow-head-2026-11-24-1742.txt".
 *
 * @param {string[]} parts
 */
export function fileName(parts, at = new Date()) {
  /** @param {number} number */
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clean = [...parts, day, two(at.getHours()) + two(at.getMinutes())].map((word) =>
    word.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replaceAll(/^[-.]+|[-.]+$/g, ""),
  );
  return `${clean.filter(Boolean).join("-").slice(0, 120)}.txt`;
}

/**
 * Hand `text` to the browser as a download.
 *
 * @param {string} text
 * @param {string} name
 */
export function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
