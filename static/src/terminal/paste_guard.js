/* What is in a paste, and whether the person should see it first. Pure. */

/** @typedef {{ lines: number, characters: number, invisible: number, first: string[], more: number }} Facts */

// Scripts whose words need joiners (U+200C, U+200D): Persian, Sinhala and Malayalam, for example.
const JOINING = [
  "Arabic", "Syriac", "Mandaic", "Nko", "Mongolian", "Phags_Pa", "Adlam", "Hanifi_Rohingya", "Devanagari", "Bengali",
  "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Tibetan", "Myanmar", "Khmer",
  "Brahmi", "Grantha", "Newa", "Tirhuta", "Balinese", "Javanese",
];
const JOINING_LETTER = `[${JOINING.map((script) => `\\p{Script_Extensions=${script}}`).join("")}]`;
const EMOJI = "[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f\\u{e007f}]";
// The flag of a region, such as Scotland: a black flag and letters that are not shown.
const FLAG_LETTERS = "(?<=\\u{1f3f4}[\\u{e0020}-\\u{e007e}]{0,8})[\\u{e0020}-\\u{e007f}]";

// Invisible characters that belong to what is written: they are shown with the characters beside them.
const NEEDED = [
  `(?<=${EMOJI})\\u200d(?=\\p{Extended_Pictographic})`,
  `(?<=${JOINING_LETTER})[\\u200c\\u200d]`,
  `\\u200d(?=${JOINING_LETTER})`,
  // One variant of the character before it.
  "(?<=[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}])(?<![\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}])[\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]",
  "(?<=\\p{Script=Mongolian})[\\u180b-\\u180d\\u180f]",
  "(?<=\\p{Script=Khmer})[\\u17b4\\u17b5]",
  "[\\u115f\\u1160](?=[\\u1100-\\u11ff])|(?<=[\\u1100-\\u11ff])\\u1160",
  "(?<=\\p{L}\\p{M}*)\\u034f(?=\\p{M})",
  FLAG_LETTERS,
].join("|");
// Control characters except tab and line ends, and characters that reorder or hide text on the screen.
const HIDDEN = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ufff9-\\ufffb";
const ONE = `[${HIDDEN}\\p{Default_Ignorable_Code_Point}]`;
export const INVISIBLE = new RegExp(`(?=${ONE})(?!${NEEDED})${ONE}`, "gu");

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
export function withoutInvisible(text) {
  // What stood beside a character that goes may have been all that a joiner was needed for.
  for (let rest = text; ; ) {
    const clean = rest.replaceAll(INVISIBLE, "");
    if (clean === rest) return clean;
    rest = clean;
  }
}

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
