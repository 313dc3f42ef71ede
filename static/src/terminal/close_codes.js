/* The meaning of a close code when no END came before it (docs/terminal-protocol.md). */
import { word } from "./kit.js";

const NOT_SIGNED_IN = 4401;
const NOT_FOUND = 4404;

/**
 * Return the end that a close code stands for, or null if the client should connect again.
 *
 * @param {number} code
 * @returns {import("./protocol.js").End | null}
 */
export function endOf(code) {
  if (code === NOT_SIGNED_IN) return { kind: "end", reason: "not_signed_in", message: word("sign-in-again"), final: false };
  if (code === NOT_FOUND) return { kind: "end", reason: "not_found", message: word("not-found"), final: true };
  return null;
}
