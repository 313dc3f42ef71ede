/* The data of an OSC 52 sequence. Pure. */

const MOST_BASE64 = 1_400_000; // a megabyte of text

/**
 * Return the text that a program wants to put on the clipboard: "c;aGVsbG8=" -> "hello". Return "" for a query ("?"), for
 * what is too long, and for what is not base64.
 *
 * @param {string} data
 */
export function clipboardText(data) {
  const base64 = data.slice(data.indexOf(";") + 1);
  if (base64 === "?" || base64.length > MOST_BASE64) return "";
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return "";
  }
}
