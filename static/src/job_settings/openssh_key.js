/* The OpenSSH form of an Ed25519 key pair (openssh-key-v1, OpenSSH's PROTOCOL.key), without a passphrase. */

const TYPE = "ssh-ed25519";
const BLOCK = 8;
const LINE = 70;
const text = new TextEncoder();

/** @param {Uint8Array[]} parts */
function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {number} value */
function number(value) {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

/**
 * Return a length-prefixed string (RFC 4251).
 *
 * @param {string | Uint8Array} value
 */
function string(value) {
  const bytes = typeof value === "string" ? text.encode(value) : value;
  return join(number(bytes.length), bytes);
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/** @param {string | undefined} value */
function fromBase64Url(value = "") {
  return Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

/** @param {Uint8Array} key */
function publicBlob(key) {
  return join(string(TYPE), string(key));
}

/**
 * Return the two files of a key pair as text.
 *
 * @param {JsonWebKey} key of WebCrypto: `x` is the public half, `d` the private one
 * @param {string} comment
 */
export function openSshFiles({ x, d }, comment) {
  const publicKey = fromBase64Url(x);
  const seed = fromBase64Url(d);
  const check = crypto.getRandomValues(new Uint8Array(4));
  const secret = join(
    check,
    check,
    string(TYPE),
    string(publicKey),
    string(join(seed, publicKey)),
    string(comment),
  );
  const padding = Uint8Array.from({ length: (BLOCK - (secret.length % BLOCK)) % BLOCK }, (_, index) => index + 1);
  const file = join(
    text.encode("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    number(1),
    string(publicBlob(publicKey)),
    string(join(secret, padding)),
  );
  const lines = base64(file).match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  for (const bytes of [seed, secret, file]) bytes.fill(0);
  return {
    publicLine: `${TYPE} ${base64(publicBlob(publicKey))} ${comment}`,
    privateFile: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}
