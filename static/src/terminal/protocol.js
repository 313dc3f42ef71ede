/* Frames of the terminal protocol (docs/terminal-protocol.md): bytes to objects and back. Nothing else. */

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

function frame(opcode, size) {
  const view = new DataView(new ArrayBuffer(1 + size));
  view.setUint8(0, opcode);
  return view;
}

/** Let me in: I have everything before `offset`. */
export function hello(offset, cols, rows) {
  const view = frame(HELLO, 13);
  view.setUint8(1, VERSION);
  view.setBigUint64(2, BigInt(offset));
  view.setUint16(10, cols);
  view.setUint16(12, rows);
  return view;
}

/** What was typed: a Uint8Array. */
export function input(bytes) {
  const whole = new Uint8Array(1 + bytes.length);
  whole[0] = INPUT;
  whole.set(bytes, 1);
  return whole;
}

/** The terminal's new size. */
export function resize(cols, rows) {
  const view = frame(RESIZE, 4);
  view.setUint16(1, cols);
  view.setUint16(3, rows);
  return view;
}

/** Everything before `offset` is on the screen. */
export function ack(offset) {
  const view = frame(ACK, 8);
  view.setBigUint64(1, BigInt(offset));
  return view;
}

/** Are you there? */
export const ping = () => frame(PING, 0);

/** End the shell for good. */
export const close = () => frame(CLOSE, 0);

/** Read a frame from the server: `{kind, ...}`. */
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
