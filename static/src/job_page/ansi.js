/* Colours of program output as elements; everything else a terminal would obey is dropped. Text stays text. */

// CSI ... final, OSC ... end, and two-character escapes; also one that the line's end cut off.
const SEQUENCE = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|$|\[[0-?]*$)/g;
const OTHER_CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Whether a text needs any of this. */
export const hasControls = (text) => /[\x00-\x08\x0b-\x1f\x7f]/.test(text);

/** The last state of a line that was rewritten with carriage returns, as a progress bar does. */
function overwritten(text) {
  const parts = text.replace(/\r+$/, "").split("\r");
  return parts[parts.length - 1];
}

function apply(style, codes) {
  const numbers = (codes || "0").split(/[;:]/).map(Number);
  for (let i = 0; i < numbers.length; i += 1) {
    const code = numbers[i];
    if (code === 0) Object.assign(style, { colour: null, bold: false, dim: false, italic: false, underline: false, inverse: false });
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 7) style.inverse = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code === 27) style.inverse = false;
    else if (code >= 30 && code <= 37) style.colour = code - 30;
    else if (code >= 90 && code <= 97) style.colour = code - 90;
    else if (code === 39) style.colour = null;
    // 256 colours: the first sixteen are ours; the rest, and true colour, keep the text's own.
    else if (code === 38 || code === 48) {
      if (numbers[i + 1] === 5) {
        if (code === 38) style.colour = numbers[i + 2] < 16 ? numbers[i + 2] % 8 : null;
        i += 2;
      } else i += 4;
    }
  }
}

function classes(style) {
  const names = ["bold", "dim", "italic", "underline", "inverse"].filter((name) => style[name]).map((name) => `ansi-${name}`);
  if (style.colour !== null) names.push(`ansi-${style.colour}`);
  return names.join(" ");
}

/** The text as nodes: strings, and spans with classes. */
export function render(text) {
  const style = { colour: null, bold: false, dim: false, italic: false, underline: false, inverse: false };
  const line = overwritten(text);
  const nodes = [];
  let from = 0;

  function push(piece) {
    const clean = piece.replace(OTHER_CONTROLS, "");
    if (!clean) return;
    const names = classes(style);
    if (!names) {
      nodes.push(clean);
      return;
    }
    const span = document.createElement("span");
    span.className = names;
    span.textContent = clean;
    nodes.push(span);
  }

  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") apply(style, match[1]);
  }
  push(line.slice(from));
  return nodes;
}
