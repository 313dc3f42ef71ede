/* What is in a paste, and whether the person should see it first. Pure. */

/** @typedef {{ lines: number, characters: number, invisible: number, first: string[], more: number }} Facts */

// Control characters except tab and line ends, and characters that reorder or hide text on the screen.
export const INVISIBLE = /(?![\t\n\r])[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

const LINE_END = /\r\n|\r|\n/;
const FIRST_LINES = 8;
const LINE_LENGTH = 160;
// With bracketed paste a program does not run each line at its end.
const LINES_BRACKETED = 5;
const LINES_PLAIN = 1;
const CHARACTERS = 20_000;

/**
 * Return facts about `text`: lines, characters, how many are invisible, the first lines in a form that can be shown.
 *
 * @param {string} text
 * @returns {Facts}
 */
export function inspect(text) {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === "") lines.pop();
  return {
    lines: lines.length,
    characters: text.length,
    invisible: text.match(INVISIBLE)?.length ?? 0,
    first: lines.slice(0, FIRST_LINES).map(visible),
    more: Math.max(0, lines.length - FIRST_LINES),
  };
}

/**
 * Return whether to ask before it is pasted.
 *
 * @param {Facts} facts
 * @param {boolean} bracketed whether the program uses bracketed paste
 */
export function isRisky(facts, bracketed) {
  return (
    facts.invisible > 0 ||
    facts.lines > (bracketed ? LINES_BRACKETED : LINES_PLAIN) ||
    facts.characters > CHARACTERS
  );
}

/**
 * Return `text` without invisible characters. They could end a bracketed paste early and run what follows.
 *
 * @param {string} text
 */
export const withoutInvisible = (text) => text.replaceAll(INVISIBLE, "");

/**
 * Return `text` as one line: line ends and the indentation after them become one space.
 *
 * @param {string} text
 */
export function asOneLine(text) {
  return text
    .split(LINE_END)
    .map((line) => line.trim())
    .filter(Boolean)
    .join(" ");
}

/** @param {string} line */
function visible(line) {
  const shown = line.replaceAll(INVISIBLE, (sign) => {
    const code = sign.charCodeAt(0);
    return code < 32 ? `^${String.fromCharCode(code + 64)}` : code === 127 ? "^?" : "\ufffd";
  });
  return shown.length > LINE_LENGTH ? `${shown.slice(0, LINE_LENGTH)}…` : shown;
}
