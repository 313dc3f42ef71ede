/* Frames, against the table of opcodes in docs/terminal-protocol.md. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesOf } from "./fakes.js";

const { PRESENCE, decode: decodePresence, others } = await import("../../static/src/terminal/sharing/presence.js");
const protocol = await import("../../static/src/terminal/protocol.js");

const documentation = readFileSync(new URL("../../docs/terminal-protocol.md", import.meta.url), "utf8");
const opcodes = Object.fromEntries(
  [...documentation.matchAll(/^\| `(0x[0-9a-f]{2})` \| (?:client|server) \| `([A-Z_]+)` \|/gm)].map(([, code, name]) => [name, Number(code)]),
);

const encoder = new TextEncoder();
const frame = (opcode, ...bytes) => Uint8Array.from([opcode, ...bytes.flat()]).buffer;
const json = (value) => [...encoder.encode(JSON.stringify(value))];

test("the documentation names the opcodes of both sides", () => {
  assert.equal(Object.keys(opcodes).length, 14);
});

test("HELLO: version, offset, columns and rows, big-endian", () => {
  const bytes = bytesOf(protocol.hello(0x0102030405, 300, 24));
  assert.deepEqual([...bytes], [opcodes.HELLO, 1, 0, 0, 0, 1, 2, 3, 4, 5, 1, 44, 0, 24]);
});

test("INPUT: the bytes as they are", () => {
  assert.deepEqual([...protocol.input(Uint8Array.of(3, 255, 0))], [opcodes.INPUT, 3, 255, 0]);
});

test("RESIZE: columns, then rows", () => {
  assert.deepEqual([...bytesOf(protocol.resize(1000, 1))], [opcodes.RESIZE, 3, 232, 0, 1]);
});

test("ACK: an offset of eight bytes", () => {
  const bytes = bytesOf(protocol.ack(2 ** 40 + 7));
  assert.deepEqual([...bytes], [opcodes.ACK, 0, 0, 1, 0, 0, 0, 0, 7]);
});

test("PING and CLOSE have no payload", () => {
  assert.deepEqual([...bytesOf(protocol.ping())], [opcodes.PING]);
  assert.deepEqual([...bytesOf(protocol.close())], [opcodes.CLOSE]);
});

test("OUTPUT: offset and bytes", () => {
  const read = protocol.decode(frame(opcodes.OUTPUT, [0, 0, 0, 0, 0, 4, 0, 0], [104, 105]));
  assert.equal(read.kind, "output");
  assert.equal(read.offset, 262144);
  assert.deepEqual([...read.data], [104, 105]);
});

test("READY, END and NOTICE: text", () => {
  assert.deepEqual(protocol.decode(frame(opcodes.READY, json({ node: "head", offset: 5 }))), { kind: "ready", node: "head", offset: 5 });
  assert.deepEqual(protocol.decode(frame(opcodes.END, json({ reason: "exited", final: true }))), { kind: "end", reason: "exited", final: true });
  assert.deepEqual(protocol.decode(frame(opcodes.NOTICE, [...encoder.encode("Größe")])), { kind: "notice", message: "Größe" });
});

test("PONG and INPUT_ACK", () => {
  assert.deepEqual(protocol.decode(frame(opcodes.PONG)), { kind: "pong" });
  assert.deepEqual(protocol.decode(frame(opcodes.INPUT_ACK, [0, 0, 0, 0, 0, 0, 64, 1])), { kind: "inputAck", total: 16385 });
});

test("other opcodes are passed on with their payload", () => {
  const read = protocol.decode(frame(opcodes.IDLE, json({ secondsLeft: 120 })));
  assert.equal(read.kind, "unknown");
  assert.equal(read.opcode, opcodes.IDLE);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(read.payload)), { secondsLeft: 120 });
});

test("one piece of input fits into a frame", () => {
  assert.ok(protocol.INPUT_CHUNK + 1 <= 65_537);
});

test("PRESENCE: who is present", () => {
  assert.equal(PRESENCE, opcodes.PRESENCE);
  const presence = decodePresence(encoder.encode(JSON.stringify({ role: "guest", owner: "Zoë" })));
  assert.deepEqual(presence, { role: "guest", owner: "Zoë" });
});

test("the others: neither the owner nor oneself, but oneself in another role", () => {
  const people = [
    { name: "alice", role: "owner" },
    { name: "bob", role: "guest" },
    { name: "bob", role: "administrator" },
    { name: "carol", role: "guest" },
  ];
  const seen = others({ name: "bob", role: "guest", people }).map(({ name, role }) => `${name} ${role}`);
  assert.deepEqual(seen, ["bob administrator", "carol guest"]);
});
