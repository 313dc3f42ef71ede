/* Where output can be cut. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Boundary } from "../../static/src/terminal/boundary.js";

const bytes = (text) => Uint8Array.from(Buffer.from(text));

/** The offset after `text`, fed whole; the same must come out byte by byte. */
function offsetAfter(text) {
  const data = bytes(text);
  const whole = new Boundary();
  whole.feed(data, data.length);
  const single = new Boundary();
  data.forEach((byte, index) => single.feed(Uint8Array.of(byte), index + 1));
  assert.equal(single.offset, whole.offset, "the same in pieces");
  return whole.offset;
}

test("plain text can be cut after every character", () => {
  assert.equal(offsetAfter("hello\r\n"), 7);
});

test("not inside a character of several bytes", () => {
  assert.equal(offsetAfter("aé"), 3);
  const boundary = new Boundary();
  boundary.feed(bytes("a😀").subarray(0, 4), 4);
  assert.equal(boundary.offset, 1);
  boundary.feed(bytes("😀").subarray(3), 5);
  assert.equal(boundary.offset, 5);
});

test("not inside a control sequence", () => {
  assert.equal(offsetAfter("ab\x1b"), 2);
  assert.equal(offsetAfter("ab\x1b[1;3"), 2);
  assert.equal(offsetAfter("ab\x1b[1;31m"), 9);
  assert.equal(offsetAfter("ab\x1b(B"), 5);
});

test("not inside a string, which ends with BEL or ST", () => {
  assert.equal(offsetAfter("a\x1b]0;title"), 1);
  assert.equal(offsetAfter("a\x1b]0;title\x07b"), 12);
  assert.equal(offsetAfter("a\x1bPq#0\x1b"), 1);
  assert.equal(offsetAfter("a\x1bPq#0\x1b\\"), 8);
});

test("CAN and SUB end a sequence; an escape within one starts another", () => {
  assert.equal(offsetAfter("\x1b[12\x18a"), 6);
  assert.equal(offsetAfter("\x1b]0;x\x1b[1m"), 9);
  assert.equal(offsetAfter("\x1b[1\x1b[2J"), 7);
});

test("an invalid byte does not stop it", () => {
  const boundary = new Boundary();
  boundary.feed(Uint8Array.of(0xff, 0xe2, 0x41), 3);
  assert.equal(boundary.offset, 3);
});

test("a gap ends whatever was open", () => {
  const boundary = new Boundary(100);
  boundary.feed(bytes("\x1b[1"), 103);
  assert.equal(boundary.offset, 100);
  boundary.feed(bytes("ab"), 202);
  assert.equal(boundary.offset, 202);
});

test("every string introducer, and ST that is cut in two", () => {
  for (const introducer of "PX]^_") {
    assert.equal(offsetAfter(`a\x1b${introducer}text`), 1, introducer);
    assert.equal(offsetAfter(`a\x1b${introducer}text\x1b\\b`), 10, introducer);
  }
});

test("a control sequence ends with @ to ~, an escape sequence with what is no intermediate", () => {
  assert.equal(offsetAfter("\x1b[1@"), 4);
  assert.equal(offsetAfter("\x1b[1~"), 4);
  assert.equal(offsetAfter("\x1b[1?"), 0);
  for (const intermediate of [" ", "/"]) {
    assert.equal(offsetAfter(`\x1b${intermediate}`), 0);
    assert.equal(offsetAfter(`\x1b${intermediate}F`), 3);
  }
  assert.equal(offsetAfter("\x1b0"), 2);
});

test("CAN and SUB, each of them", () => {
  assert.equal(offsetAfter("\x1b]0;x\x18"), 6);
  assert.equal(offsetAfter("\x1b]0;x\x1a"), 6);
  assert.equal(offsetAfter("\x1b]0;x\x19"), 0);
});

test("characters of two, three and four bytes, from the first to the last", () => {
  for (const [first, length] of [[0xc2, 2], [0xdf, 2], [0xe0, 3], [0xef, 3], [0xf0, 4], [0xf4, 4]]) {
    const character = Uint8Array.from([first, 0x90, 0x90, 0x90].slice(0, length));
    const boundary = new Boundary();
    boundary.feed(character.subarray(0, length - 1), length - 1);
    assert.equal(boundary.offset, 0, `${first}`);
    boundary.feed(character.subarray(length - 1), length);
    assert.equal(boundary.offset, length, `${first}`);
  }
  for (const invalid of [0x80, 0xc1, 0xf5]) {
    const boundary = new Boundary();
    boundary.feed(Uint8Array.of(invalid), 1);
    assert.equal(boundary.offset, 1, `${invalid}`);
  }
});
