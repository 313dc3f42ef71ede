/* Text from a node, made harmless for a place outside the terminal: one line, nothing invisible, not too long. */
import { INVISIBLE } from "./paste_guard.js";

/**
 * Return `text` for a tab, a title or a question.
 *
 * @param {string} text
 */
export function plain(text, most = 80) {
  const clean = text.replaceAll(/\s+/g, " ").replaceAll(INVISIBLE, "").trim();
  return clean.length > most ? `${clean.slice(0, most - 1)}…` : clean;
}
