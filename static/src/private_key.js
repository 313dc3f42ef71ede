/* Recognises keys before they are sent. The server knows more forms and refuses them too. */
const MARKS =
  /(BEGIN|END)\s[\w\s]*PRIVATE\s+KEY|PRIVATE\s+KEY[\s\w]*-----|PuTTY-User-Key-File-\d|^\s*Private-(Lines|MAC|Hash):|SSH PRIVATE KEY FILE FORMAT|AGE-SECRET-KEY-1/im;
const JSON_WEB_KEY = /"kty"\s*:[^]*"d"\s*:|"d"\s*:[^]*"kty"\s*:/;
const OPENSSH_MAGIC = "openssh-key-v1\0";

/**
 * Return whether `text` has a private key, or a part of one, in it.
 *
 * @param {string} text
 */
export function isPrivateKey(text) {
  const visible = text.replaceAll("\0", "");
  return MARKS.test(visible) || JSON_WEB_KEY.test(visible) || visible.split(/\s+/).some(isPrivateBody);
}

/**
 * Return whether `text` has a public key in it: OpenSSH's line, or a PEM or RFC 4716 block.
 *
 * @param {string} text
 */
export function isPublicKey(text) {
  return /BEGIN\s[\w\s]*PUBLIC\s+KEY|(^|[^A-Za-z0-9+/])AAAA[A-Za-z0-9+/]{12}/.test(text);
}

/**
 * Return whether base64 without its BEGIN and END lines starts a key: OpenSSH's own form, or DER with a version in front.
 *
 * @param {string} word
 */
function isPrivateBody(word) {
  const head = word.slice(0, 64);
  if (!/^[A-Za-z0-9+/]{20,}/.test(head)) return false;
  let raw;
  try {
    raw = atob(head.slice(0, head.length - (head.length % 4)).replace(/=*$/, ""));
  } catch {
    return false;
  }
  if (raw.startsWith(OPENSSH_MAGIC)) return true;
  if (raw.charCodeAt(0) !== 0x30) return false;
  const length = raw.charCodeAt(1);
  const version = raw.slice(2 + (length & 0x80 ? length & 0x7f : 0)).slice(0, 3);
  return version === "\x02\x01\x00" || version === "\x02\x01\x01";
}
