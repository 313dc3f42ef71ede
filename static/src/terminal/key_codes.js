/* What keys send, with Ctrl and Alt held or not. Pure. */

/** @typedef {{ ctrl?: boolean, alt?: boolean }} Modifiers */

/** @type {Record<string, string>} */
const CURSOR = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };
/** @type {Record<string, string>} */
const PAGE = { "page-up": "5", "page-down": "6" };
/** @type {Record<string, string>} */
const PLAIN = { esc: "\x1b", tab: "\t" };

/**
 * Return what a named key (`up`, `esc`, ...) or a character sends.
 *
 * @param {string} key
 * @param {Modifiers & { application?: boolean }} [options] `application`: the program wants application cursor keys
 */
export function keySequence(key, { ctrl = false, alt = false, application = false } = {}) {
  const modifier = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  if (CURSOR[key]) {
    if (modifier > 1) return `\x1b[1;${modifier}${CURSOR[key]}`;
    return `\x1b${application ? "O" : "["}${CURSOR[key]}`;
  }
  if (PAGE[key]) return modifier > 1 ? `\x1b[${PAGE[key]};${modifier}~` : `\x1b[${PAGE[key]}~`;
  return withModifiers(PLAIN[key] ?? key, { ctrl, alt });
}

/**
 * Return what a typed character sends while Ctrl or Alt is held. Longer text is returned as it is.
 *
 * @param {string} text
 * @param {Modifiers} modifiers
 */
export function withModifiers(text, { ctrl = false, alt = false }) {
  if ([...text].length !== 1) return text;
  const sent = ctrl ? control(text) : text;
  return alt ? `\x1b${sent}` : sent;
}

/** @param {string} sign */
function control(sign) {
  if (sign === " ") return "\0";
  if (sign === "?") return "\x7f";
  const code = sign.toUpperCase().charCodeAt(0);
  return code >= 64 && code < 96 ? String.fromCharCode(code - 64) : sign;
}
