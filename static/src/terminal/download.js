/* What the terminal kept, as a text file. */

/** All lines, those that were wrapped put together again. */
export function scrollbackText(terminal) {
  const buffer = terminal.buffer.normal;
  const lines = [];
  for (let row = 0; row < buffer.length; row += 1) {
    const line = buffer.getLine(row);
    const continues = buffer.getLine(row + 1)?.isWrapped ?? false;
    const text = line.translateToString(!continues);
    if (line.isWrapped && lines.length) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return `${lines.join("\n")}\n`;
}

/** "Wing-flow-head-2026-11-24-1742.txt": of letters and digits, so that it suits every file system. */
export function fileName(parts, at = new Date()) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clean = [...parts, day, two(at.getHours()) + two(at.getMinutes())].map((word) =>
    word.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replaceAll(/^[-.]+|[-.]+$/g, ""),
  );
  return `${clean.filter(Boolean).join("-").slice(0, 120)}.txt`;
}

/** Hand `text` to the browser as a download. */
export function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
