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
    const continues = buffer.getLine(row + 1)?.isWrapped ?? false;
    const text = line.translateToString(!continues);
    if (line.isWrapped && lines.length) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return `${lines.join("\n")}\n`;
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
