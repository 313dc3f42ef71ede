/* Where the output can be cut: not inside a character and not inside an escape sequence.
 *
 * It is fed every byte of output. `offset` is where the output can be cut last: another terminal that shows the same text
 * and continues from there ends up in the same state.
 */
const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
// Introduce a string that lasts until ST or BEL: DCS, SOS, OSC, PM, APC.
const STRINGS = new Set([0x50, 0x58, 0x5d, 0x5e, 0x5f]);

export class Boundary {
  constructor(offset = 0) {
    this.offset = this.end = offset;
    /** @type {"rest" | "string" | "string-escape" | "csi" | "escape" | "character"} */
    this.state = "rest";
    this.missing = 0; // bytes of the character that are still to come
  }

  /**
   * Read output that ends at offset `end`. After a gap it starts outside characters and sequences.
   *
   * @param {Uint8Array} bytes
   * @param {number} end
   */
  feed(bytes, end) {
    const start = end - bytes.length;
    if (start !== this.end) this.state = "rest";
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index];
      if (this.state !== "rest" || byte === ESC || byte >= 0x80) this.state = this.#next(byte);
      if (this.state === "rest") this.offset = start + index + 1;
    }
    this.end = end;
  }

  /** @param {number} byte */
  #next(byte) {
    if (byte === CAN || byte === SUB) return "rest";
    switch (this.state) {
      case "string":
        return byte === BEL ? "rest" : byte === ESC ? "string-escape" : "string";
      case "string-escape":
        return byte === 0x5c ? "rest" : this.#escaped(byte);
      case "csi":
        if (byte === ESC) return "escape";
        return byte >= 0x40 && byte <= 0x7e ? "rest" : "csi";
      case "escape":
        return this.#escaped(byte);
      case "character":
        if ((byte & 0xc0) !== 0x80) return this.#begin(byte);
        this.missing -= 1;
        return this.missing > 0 ? "character" : "rest";
      default:
        return this.#begin(byte);
    }
  }

  /** @param {number} byte */
  #escaped(byte) {
    if (byte === ESC) return "escape";
    if (byte === 0x5b) return "csi";
    if (STRINGS.has(byte)) return "string";
    return byte >= 0x20 && byte <= 0x2f ? "escape" : "rest";
  }

  /** @param {number} byte */
  #begin(byte) {
    if (byte === ESC) return "escape";
    if (byte < 0xc2 || byte > 0xf4) return "rest";
    this.missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    return "character";
  }
}
