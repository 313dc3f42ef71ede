/* What a close code says where no END came before it (docs/terminal-protocol.md). */
import { word } from "./kit.js";

const NOT_SIGNED_IN = 4401;
const NOT_FOUND = 4404;

/** The end that a code stands for, or null where the line is worth another try. */
export function endOf(code) {
  if (code === NOT_SIGNED_IN) return { reason: "not_signed_in", message: word("sign-in-again"), final: false };
  if (code === NOT_FOUND) return { reason: "not_found", message: word("not-found"), final: true };
  return null;
}
