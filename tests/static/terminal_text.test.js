/* What is done with text: pastes, titles, the clipboard, links, file names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName, scrollbackText } from "../../static/src/terminal/download.js";
import { clipboardText } from "../../static/src/terminal/osc52_data.js";
import { asOneLine, inspect, isRisky, withoutInvisible } from "../../static/src/terminal/paste_guard.js";
import { plain } from "../../static/src/terminal/plain.js";
import { isWeb } from "../../static/src/terminal/web_address.js";

test("a paste: lines, whatever ends them, and the last end is no line", () => {
  assert.equal(inspect("one").lines, 1);
  assert.equal(inspect("one\n").lines, 1);
  assert.equal(inspect("one\r\ntwo\rthree\nfour").lines, 4);
});

test("a paste: what cannot be seen is counted, shown and taken out", () => {
  const text = "ls\x1b[201~\u202e\u200bx\x7f\ttab";
  const facts = inspect(text);
  assert.equal(facts.invisible, 4);
  assert.equal(facts.first[0], "ls^[[201~\ufffd\ufffdx^?\ttab");
  assert.equal(withoutInvisible(text), "ls[201~x\ttab");
});

test("a paste: tab and line ends are not invisible, letters of other scripts neither", () => {
  assert.equal(inspect("a\tb\r\nc\rd").invisible, 0);
  assert.equal(inspect("Zoë 日本 العربية").invisible, 0);
});

test("a paste: only the first eight lines are shown, shortened", () => {
  const facts = inspect(Array.from({ length: 11 }, () => "x".repeat(200)).join("\n"));
  assert.equal(facts.first.length, 8);
  assert.equal(facts.more, 3);
  assert.equal(facts.first[0], `${"x".repeat(160)}…`);
});

test("a paste is risky with several lines, fewer without bracketed paste", () => {
  assert.equal(isRisky(inspect("one"), false), false);
  assert.equal(isRisky(inspect("one\ntwo"), false), true);
  assert.equal(isRisky(inspect("1\n2\n3\n4\n5"), true), false);
  assert.equal(isRisky(inspect("1\n2\n3\n4\n5\n6"), true), true);
});

test("a paste is risky when it is long or has something invisible", () => {
  assert.equal(isRisky(inspect("x".repeat(20_000)), true), false);
  assert.equal(isRisky(inspect("x".repeat(20_001)), true), true);
  assert.equal(isRisky(inspect("a\u200bb"), true), true);
});

test("as one line: indentation and empty lines become one space", () => {
  assert.equal(asOneLine("  tar \\\n\n    -x\r\n  file  "), "tar \\ -x file");
});

test("a title is one line, visible and not too long", () => {
  assert.equal(plain("  a\n\tb \x07c\u202e "), "a b c");
  assert.equal(plain("x".repeat(81)), `${"x".repeat(79)}…`);
  assert.equal(plain("x".repeat(80)).length, 80);
  assert.equal(plain("abcdef", 4), "abc…");
});

test("OSC 52: base64 of UTF-8, for whichever clipboard", () => {
  const data = Buffer.from("Grüße").toString("base64");
  assert.equal(clipboardText(`c;${data}`), "Grüße");
  assert.equal(clipboardText(`;${data}`), "Grüße");
});

test("OSC 52: a query, nonsense and too much are nothing", () => {
  assert.equal(clipboardText("c;?"), "");
  assert.equal(clipboardText("c;***"), "");
  assert.equal(clipboardText(`c;${"QUFB".repeat(350_000)}`).length, 1_050_000);
  assert.equal(clipboardText(`c;${"QUFB".repeat(350_001)}`), "");
});

test("links are http and https only", () => {
  for (const good of ["http://a.example/", "HTTPS://a.example/x?y#z"]) assert.equal(isWeb(good), true, good);
  for (const bad of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "a.example", ""]) {
    assert.equal(isWeb(bad), false, bad);
  }
});

test("a file name suits every file system", () => {
  const at = new Date(2026, 3, 5, 9, 7);
  assert.equal(fileName(["Wing / flow", "head"], at), "Wing-flow-head-2026-04-05-0907.txt");
  assert.equal(fileName(["../..", "Zoë: a*b?"], at), "Zoë-a-b-2026-04-05-0907.txt");
  assert.equal(fileName(["x".repeat(300)], at).length, 124);
});

/** A terminal whose normal buffer has these lines: [text, whether it continues the line before]. */
function terminalWith(...lines) {
  const rows = lines.map(([text, isWrapped = false]) => ({
    isWrapped,
    translateToString: (trim) => (trim ? text.trimEnd() : text),
  }));
  return { buffer: { normal: { length: rows.length, getLine: (row) => rows[row] } } };
}

test("the scrollback: wrapped lines are one, their spaces kept; empty lines at the end go", () => {
  const terminal = terminalWith(["$ echo  "], ["to be  "], ["continued  ", true], ["", false], ["end", false], ["   "], [""]);
  assert.equal(scrollbackText(terminal), "$ echo\nto be  continued\n\nend\n");
});
