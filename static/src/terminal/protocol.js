/* Frames of the terminal protocol (docs/terminal-protocol.md): bytes to objects and back. Nothing else. */

/**
 * @typedef {object} Ready
 * @property {"ready"} kind
 * @property {string} session
 * @property {string} node
 * @property {string} label
 * @property {string} principal
 * @property {string} address
 * @property {number} port
 * @property {string} fingerprint
 * @property {number} offset
 * @property {number} skipped
 * @property {number} [printed]
 * @property {number} window
 * @property {number} inputWindow
 */
/** @typedef {{ kind: "output", offset: number, data: Uint8Array }} Output */
/** @typedef {{ kind: "notice", message: string }} Notice */
/** @typedef {{ kind: "end", reason: string, message: string, final: boolean, exitStatus?: number }} End */
/** @typedef {{ kind: "pong" }} Pong */
/** @typedef {{ kind: "inputAck", total: number }} InputAck */
/** @typedef {{ kind: "unknown", opcode: number, payload: Uint8Array }} Unknown */
/** @typedef {Ready | Output | Notice | End | Pong | InputAck | Unknown} Frame */

export const VERSION = 1;
export const SUBPROTOCOL = "headnode-terminal.v1";
export const INPUT_CHUNK = 16 * 1024;

const HELLO = 0x01;
const INPUT = 0x02;
const RESIZE = 0x03;
const ACK = 0x04;
const PING = 0x05;
const CLOSE = 0x06;

const READY = 0x81;
const OUTPUT = 0x82;
const NOTICE = 0x83;
const END = 0x84;
const PONG = 0x85;
const INPUT_ACK = 0x86;

const text = new TextDecoder();

/** @param {number} opcode @param {number} size of the payload */
function frame(opcode, size) {
  const view = new DataView(new ArrayBuffer(1 + size));
  view.setUint8(0, opcode);
  return view;
}

/**
 * Return HELLO: attach this socket, which has everything before `offset`.
 *
 * @param {number} offset
 * @param {number} cols
 * @param {number} rows
 */
export function hello(offset, cols, rows) {
  const view = frame(HELLO, 13);
  view.setUint8(1, VERSION);
  view.setBigUint64(2, BigInt(offset));
  view.setUint16(10, cols);
  view.setUint16(12, rows);
  return view;
}

/**
 * Return INPUT: what was typed.
 *
 * @param {Uint8Array} bytes
 */
export function input(bytes) {
  const whole = new Uint8Array(1 + bytes.length);
  whole[0] = INPUT;
  whole.set(bytes, 1);
  return whole;
}

/**
 * Return RESIZE: the new size of the terminal.
 *
 * @param {number} cols
 * @param {number} rows
 */
export function resize(cols, rows) {
  const view = frame(RESIZE, 4);
  view.setUint16(1, cols);
  view.setUint16(3, rows);
  return view;
}

/**
 * Return ACK: everything before `offset` is on the screen.
 *
 * @param {number} offset
 */
export function ack(offset) {
  const view = frame(ACK, 8);
  view.setBigUint64(1, BigInt(offset));
  return view;
}

/** Return PING. */
export const ping = () => frame(PING, 0);

/** Return CLOSE: end the shell for good. */
export const close = () => frame(CLOSE, 0);

/**
 * Read a frame from the server.
 *
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function decode(buffer) {
  const view = new DataView(buffer);
  const payload = new Uint8Array(buffer, 1);
  switch (view.getUint8(0)) {
    case OUTPUT:
      return { kind: "output", offset: Number(view.getBigUint64(1)), data: payload.subarray(8) };
    case READY:
      return { kind: "ready", ...JSON.parse(text.decode(payload)) };
    case NOTICE:
      return { kind: "notice", message: text.decode(payload) };
    case END:
      return { kind: "end", ...JSON.parse(text.decode(payload)) };
    case PONG:
      return { kind: "pong" };
    case INPUT_ACK:
      return { kind: "inputAck", total: Number(view.getBigUint64(1)) };
    default:
      return { kind: "unknown", opcode: view.getUint8(0), payload };
  }
}
