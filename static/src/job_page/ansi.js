/* Shows the colours of program output; every other control sequence is dropped. The text is never read as HTML. */

// CSI ... final, OSC ... end, and two-character escapes; also one that is cut off at the end of the line.
const SEQUENCE = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|$|\[[0-?]*$)/g;
const OTHER_CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

const FLAGS = /** @type {const} */ (["bold", "dim", "italic", "underline", "inverse"]);

/** @typedef {{ colour: number | null } & Record<typeof FLAGS[number], boolean>} Style */

/** @type {Style} */
const PLAIN = { colour: null, bold: false, dim: false, italic: false, underline: false, inverse: false };

/**
 * Return whether `text` has control characters, so that it must be rendered.
 *
 * @param {string} text
 */
export const hasControls = (text) => /[\x00-\x08\x0b-\x1f\x7f]/.test(text);

/**
 * Return the last state of a line that was rewritten with carriage returns, as a progress bar does.
 *
 * @param {string} text
 */
function overwritten(text) {
  const parts = text.replace(/\r+$/, "").split("\r");
  return parts[parts.length - 1];
}

/**
 * Apply the parameters of an SGR sequence to `style`.
 *
 * @param {Style} style
 * @param {string | undefined} codes
 */
function apply(style, codes) {
  const numbers = (codes || "0").split(/[;:]/).map(Number);
  for (let i = 0; i < numbers.length; i += 1) {
    const code = numbers[i];
    if (code === 0) Object.assign(style, PLAIN);
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
    // Of 256 colours the first sixteen are shown; the others and true colour are ignored.
    else if (code === 38 || code === 48) {
      if (numbers[i + 1] === 5) {
        if (code === 38) style.colour = numbers[i + 2] < 16 ? numbers[i + 2] % 8 : null;
        i += 2;
      } else i += 4;
    }
  }
}

/** @param {Style} style */
function classes(style) {
  const names = FLAGS.filter((name) => style[name]).map((name) => `ansi-${name}`);
  if (style.colour !== null) names.push(`ansi-${style.colour}`);
  return names.join(" ");
}

/**
 * Return the pieces of a line, each with the class names of its looks ("" for plain text).
 *
 * @param {string} text
 */
export function pieces(text) {
  const style = { ...PLAIN };
  const line = overwritten(text);
  /** @type {{ text: string, names: string }[]} */
  const found = [];
  let from = 0;

  /** @param {string} piece */
  function push(piece) {
    const clean = piece.replace(OTHER_CONTROLS, "");
    if (clean) found.push({ text: clean, names: classes(style) });
  }

  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") apply(style, match[1]);
  }
  push(line.slice(from));
  return found;
}

/**
 * Return a line as nodes: strings, and spans with classes.
 *
 * @param {string} line
 */
export function render(line) {
  return pieces(line).map(({ text, names }) => {
    if (!names) return text;
    const span = document.createElement("span");
    span.className = names;
    span.textContent = text;
    return span;
  });
}
