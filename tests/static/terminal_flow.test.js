/* Flow control: what is sent when, and what is acknowledged. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Acknowledger } from "../../static/src/terminal/acknowledger.js";
import { InputQueue } from "../../static/src/terminal/input_queue.js";

const KIB = 1024;

function acknowledging(begin = 0) {
  const sent = [];
  const acknowledger = new Acknowledger((offset) => sent.push(offset));
  acknowledger.begin(begin);
  return { acknowledger, sent };
}

function queue(window) {
  const sent = [];
  const input = new InputQueue((bytes) => sent.push(bytes));
  input.begin(window);
  return { input, sent, total: () => sent.reduce((sum, bytes) => sum + bytes.length, 0) };
}

test("output is acknowledged at once after 32 KiB", () => {
  const { acknowledger, sent } = acknowledging(1000);
  acknowledger.drew(1000 + 32 * KIB);
  assert.deepEqual(sent, [1000 + 32 * KIB]);
});

test("less is acknowledged after 60 ms, once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { acknowledger, sent } = acknowledging();
  acknowledger.drew(10);
  acknowledger.drew(20);
  context.mock.timers.tick(59);
  assert.deepEqual(sent, []);
  context.mock.timers.tick(1);
  assert.deepEqual(sent, [20]);
  context.mock.timers.tick(1000);
  assert.deepEqual(sent, [20]);
});

test("nothing is acknowledged twice or backwards", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { acknowledger, sent } = acknowledging();
  acknowledger.drew(40 * KIB);
  acknowledger.drew(10);
  context.mock.timers.tick(100);
  assert.deepEqual(sent, [40 * KIB]);
});

test("a new socket begins where it begins; a stopped one sends nothing", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { acknowledger, sent } = acknowledging();
  acknowledger.drew(10);
  acknowledger.begin(50);
  context.mock.timers.tick(100);
  assert.deepEqual(sent, []);
  assert.equal(acknowledger.drawn, 50);
});

test("input is cut into pieces that fit into frames, and keeps its order", () => {
  const { input, sent } = queue(1000 * KIB);
  const bytes = Uint8Array.from({ length: 40 * KIB }, (_, index) => index % 251);
  input.add(bytes);
  assert.deepEqual(sent.map(({ length }) => length), [16 * KIB, 16 * KIB, 8 * KIB]);
  assert.deepEqual(Uint8Array.from(sent.flatMap((piece) => [...piece])), bytes);
});

test("a paste leaves 4 KiB of the window free, which keystrokes may use", () => {
  const { input, total } = queue(36 * KIB);
  input.add(new Uint8Array(48 * KIB));
  assert.equal(total(), 32 * KIB);
  assert.equal(input.waiting, 16 * KIB);
  const { input: other, total: typed } = queue(36 * KIB);
  other.add(new Uint8Array(32 * KIB));
  other.add(new Uint8Array(64));
  assert.equal(typed(), 32 * KIB + 64);
  other.add(new Uint8Array(65));
  assert.equal(other.waiting, 65);
});

test("an acknowledgement lets the rest go", () => {
  const { input, total } = queue(36 * KIB);
  input.add(new Uint8Array(48 * KIB));
  input.acknowledge(16 * KIB);
  assert.equal(total(), 48 * KIB);
  assert.equal(input.waiting, 0);
});

test("Ctrl-C drops what is left of a paste and is sent", () => {
  const { input, sent } = queue(36 * KIB);
  input.add(new Uint8Array(100 * KIB));
  input.add(Uint8Array.of(3));
  assert.deepEqual([...sent.at(-1)], [3]);
  assert.equal(input.waiting, 0);
  input.acknowledge(32 * KIB + 1);
  assert.deepEqual([...sent.at(-1)], [3]);
});

test("a 3 within a paste drops nothing", () => {
  const { input } = queue(0);
  input.add(new Uint8Array(10));
  input.add(Uint8Array.of(3, 3));
  assert.equal(input.waiting, 12);
});

test("input is unsure while something waits or much is under way", () => {
  const { input } = queue(100 * KIB);
  input.add(Uint8Array.of(65));
  assert.equal(input.unsure, false);
  input.add(new Uint8Array(20 * KIB));
  assert.equal(input.unsure, true);
  input.acknowledge(20 * KIB);
  assert.equal(input.unsure, false);
});

test("a new socket starts with empty counts", () => {
  const { input, total } = queue(20 * KIB);
  input.add(new Uint8Array(30 * KIB));
  input.begin(20 * KIB);
  assert.equal(input.waiting, 0);
  assert.equal(input.unsure, false);
  input.add(new Uint8Array(16 * KIB));
  assert.equal(total(), 32 * KIB);
});

test.afterEach(() => mock.timers.reset());
