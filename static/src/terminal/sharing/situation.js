/* The SITUATION frame: who is in a terminal, what one may do there, whether it is recorded. */

export const SITUATION = 0x87;

/** Read its payload (Uint8Array). */
export function decode(payload) {
  return JSON.parse(new TextDecoder().decode(payload));
}
