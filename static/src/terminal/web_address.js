/* Which addresses in the output are links. Pure. */

/**
 * Return whether `address` is an http or https address.
 *
 * @param {string} address
 */
export function isWeb(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}
