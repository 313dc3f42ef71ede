/* What keys send, which keys are the terminal's own, and when queries get no reply. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "./fakes.js";

const { keySequence, withModifiers } = await import("../../static/src/terminal/key_codes.js");
const { nudge } = await import("../../static/src/terminal/nudge.js");
const { ignoreQueries } = await import("../../static/src/terminal/queries.js");
const { actionOf } = await import("../../static/src/terminal/shortcuts.js");

const press = (code, held = {}) => ({ isComposing: false, ctrlKey: false, shiftKey: false, altKey: false, metaKey: false, ...held, code });

test("cursor keys: normal, application, and with modifiers", () => {
  assert.equal(keySequence("up"), "\x1b[A");
  assert.equal(keySequence("left", { application: true }), "\x1bOD");
  assert.equal(keySequence("right", { ctrl: true, application: true }), "\x1b[1;5C");
  assert.equal(keySequence("end", { alt: true }), "\x1b[1;3F");
  assert.equal(keySequence("home", { alt: true, ctrl: true }), "\x1b[1;7H");
});

test("page keys", () => {
  assert.equal(keySequence("page-up"), "\x1b[5~");
  assert.equal(keySequence("page-down", { ctrl: true }), "\x1b[6;5~");
});

test("escape, tab and plain characters", () => {
  assert.equal(keySequence("esc"), "\x1b");
  assert.equal(keySequence("tab", { alt: true }), "\x1b\t");
  assert.equal(keySequence("|"), "|");
});

test("Ctrl makes control characters, Alt puts ESC in front", () => {
  assert.equal(withModifiers("c", { ctrl: true }), "\x03");
  assert.equal(withModifiers("[", { ctrl: true }), "\x1b");
  assert.equal(withModifiers(" ", { ctrl: true }), "\0");
  assert.equal(withModifiers("?", { ctrl: true }), "\x7f");
  assert.equal(withModifiers("1", { ctrl: true }), "1");
  assert.equal(withModifiers("x", { ctrl: true, alt: true }), "\x1b\x18");
  assert.equal(withModifiers("é", { alt: true }), "\x1bé");
});

test("longer text is no key", () => {
  assert.equal(withModifiers("cat", { ctrl: true, alt: true }), "cat");
  assert.equal(withModifiers("😀", { alt: true }), "\x1b😀");
});

test("shortcuts: Alt+Shift, Ctrl+Shift, Ctrl", () => {
  assert.equal(actionOf(press("PageDown", { altKey: true, shiftKey: true })), "next-tab");
  assert.equal(actionOf(press("KeyC", { ctrlKey: true, shiftKey: true }), false), "copy");
  assert.equal(actionOf(press("KeyV", { ctrlKey: true, shiftKey: true }), false), "native-paste");
  assert.equal(actionOf(press("Equal", { ctrlKey: true }), false), "larger");
  assert.equal(actionOf(press("Equal", { ctrlKey: true, shiftKey: true }), false), "larger");
  assert.equal(actionOf(press("Digit0", { ctrlKey: true }), false), "usual-size");
});

test("shortcuts: what shells use stays theirs", () => {
  for (const key of [press("KeyC", { ctrlKey: true }), press("PageDown"), press("PageDown", { shiftKey: true }), press("KeyF", { altKey: true })]) {
    assert.equal(actionOf(key, false), undefined, key.code);
  }
  assert.equal(actionOf(press("Minus", { ctrlKey: true, shiftKey: true }), false), undefined, "Ctrl+_ is undo");
  assert.equal(actionOf({ ...press("KeyC", { ctrlKey: true, shiftKey: true }), isComposing: true }, false), undefined);
});

test("shortcuts: on a Mac the Command key", () => {
  assert.equal(actionOf(press("KeyF", { metaKey: true }), true), "find");
  assert.equal(actionOf(press("Minus", { metaKey: true }), true), "smaller");
  assert.equal(actionOf(press("Minus", { ctrlKey: true }), true), undefined);
  assert.equal(actionOf(press("KeyF", { ctrlKey: true }), false), undefined);
});

test("a nudge makes the window one row smaller for a moment", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sizes = [];
  nudge({ resize: (cols, rows) => sizes.push([cols, rows]) }, { cols: 80, rows: 24 });
  context.mock.timers.tick(200);
  assert.deepEqual(sizes, [[80, 23]]);
  context.mock.timers.tick(300);
  assert.deepEqual(sizes, [[80, 23], [80, 24]]);
});

test("queries are ignored only while they are to be", () => {
  const handlers = { csi: [], osc: new Map(), dcs: [] };
  let ignored = true;
  ignoreQueries({
    parser: {
      registerCsiHandler: (id, handle) => handlers.csi.push([id, handle]),
      registerOscHandler: (code, handle) => handlers.osc.set(code, handle),
      registerDcsHandler: (id, handle) => handlers.dcs.push([id, handle]),
    },
  }, () => ignored);
  assert.ok(handlers.csi.some(([id]) => id.final === "c" && !id.prefix), "device attributes");
  assert.ok(handlers.csi.some(([id]) => id.final === "n" && !id.prefix), "the cursor");
  assert.equal(handlers.osc.get(11)("?"), true, "the background is asked for");
  assert.equal(handlers.osc.get(11)("#ffffff"), false, "the background is set");
  ignored = false;
  assert.equal(handlers.osc.get(11)("?"), false);
  assert.deepEqual([...handlers.csi, ...handlers.dcs].map(([, handle]) => handle()).filter(Boolean), []);
});

test("Ctrl: from @ to _, and nothing beyond", () => {
  assert.deepEqual(["@", "_", "`", "5"].map((key) => withModifiers(key, { ctrl: true })), ["\0", "\x1f", "`", "5"]);
  assert.equal(withModifiers("x", {}), "x");
});


test("queries of colours: the palette, foreground, background and cursor", () => {
  const codes = [];
  const parser = { registerCsiHandler: () => {}, registerDcsHandler: () => {}, registerOscHandler: (code) => codes.push(code) };
  ignoreQueries({ parser }, () => true);
  assert.deepEqual(codes, [4, 10, 11, 12]);
});
