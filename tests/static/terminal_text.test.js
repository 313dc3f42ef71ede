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

const isWide = (sign) => /[\u1100-\uffff\u{1f300}-\u{1faff}]/u.test(sign);

/** The cells of a line as xterm.js has them: "·" is one in which nothing was ever written. */
function cellsOf(text) {
  return [...text].flatMap((sign) => (isWide(sign) ? [[sign, 2], ["", 0]] : [[sign === "·" ? "" : sign, 1]]));
}

/** A terminal whose normal buffer has these lines: [text, whether it continues the line before]. */
function terminalWith(...lines) {
  const rows = lines.map(([text, isWrapped = false]) => {
    const cells = cellsOf(text);
    return {
      isWrapped,
      length: cells.length,
      getCell: (column) => cells[column] && { getChars: () => cells[column][0], getWidth: () => cells[column][1] },
      translateToString: (trim, from = 0, to = cells.length) => {
        const shown = cells.slice(from, to).map(([sign, width]) => (width ? sign || " " : "")).join("");
        return trim ? shown.trimEnd() : shown;
      },
    };
  });
  return { buffer: { normal: { length: rows.length, getLine: (row) => rows[row] } } };
}

test("the scrollback: wrapped lines are one, their spaces kept; empty lines at the end go", () => {
  const terminal = terminalWith(["$ echo  "], ["to be  "], ["continued  ", true], ["", false], ["end", false], ["   "], [""]);
  assert.equal(scrollbackText(terminal), "$ echo\nto be  continued\n\nend\n");
});

test("the scrollback: no blank where a wide character went to the next line", () => {
  const wrapped = terminalWith(["日本日本·"], ["日本日本·", true], ["日本", true], ["🙂🙂·"], ["🙂🙂", true]);
  assert.equal(scrollbackText(wrapped), "日本日本日本日本日本\n🙂🙂🙂🙂\n");
});

test("the scrollback: a blank that was printed stays, and so does a gap before a narrow character", () => {
  assert.equal(scrollbackText(terminalWith(["日本 "], ["日本", true])), "日本 日本\n");
  assert.equal(scrollbackText(terminalWith(["abcd·"], ["efg", true])), "abcd efg\n");
  assert.equal(scrollbackText(terminalWith(["abcd·"], ["日本"])), "abcd\n日本\n");
});

const HARMLESS = {
  "a family": "👨‍👩‍👧‍👦", "a rainbow flag": "🏳️‍🌈", "a profession with a skin tone": "🧑🏽‍💻", "a kiss": "👩🏽‍❤️‍💋‍👨🏻",
  "pirates": "🏴‍☠️", "a keycap": "1️⃣ #️⃣", "text and emoji": "❤︎ ❤️ ©️", "Scotland": "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
  "Persian": "می‌خواهم", "Persian at the end of a word": "خانه‌ ", "Sinhala": "ශ්‍රී ලංකා", "Malayalam": "ന്‍", "Hindi": "क्‍ष क्‌ष",
  "Arabic with a joiner in front": "‍ه", "an ideograph's variant": "葛\u{e0100}", "Mongolian": "ᠨ\u180b", "old Korean": "\u115f\u1161",
  "Hebrew": "לַ\u034fֽ",
};
for (const [name, text] of Object.entries(HARMLESS)) {
  test(`a paste: joiners and variants that are needed stay: ${name}`, () => {
    assert.equal(inspect(`echo ${text}`).invisible, 0);
    assert.equal(withoutInvisible(`echo ${text}`), `echo ${text}`);
    assert.equal(isRisky(inspect(text), false), false);
  });
}

const HIDING = {
  "a bidi override": "a\u202eb", "a bidi isolate": "a\u2066b\u2069", "bidi marks": "a\u200e\u200fb\u061c", "a joiner between letters": "r\u200dm",
  "a non-joiner between letters": "r\u200cm", "a joiner after an emoji, before a letter": "🙂\u200drm", "joiners in a row": "می\u200c\u200cخ",
  "variants in a row": "🙂\ufe01\ufe02\u{e0101}", "a variant of nothing": " \ufe0f", "letters that are not shown": "a\u{e0072}\u{e006d}",
  "more letters than a flag has": `🏴${"\u{e0061}".repeat(12)}`, "a soft hyphen": "r\u00adm", "a Hangul filler": "a\u3164b", "a line separator": "a\u2028b",
  "an escape": "a\x1b[201~b", "a blank of no width": "a\u200b\ufeffb", "a word joiner": "a\u2060b", "C1": "a\u009bb",
};
for (const [name, text] of Object.entries(HIDING)) {
  test(`a paste: what hides is found and left out: ${name}`, () => {
    assert.ok(inspect(text).invisible > 0);
    assert.equal(isRisky(inspect(text), true), true);
    assert.equal(inspect(withoutInvisible(text)).invisible, 0);
    assert.ok(withoutInvisible(text).length < text.length);
  });
}

test("a paste: a joiner whose neighbour is left out goes with it", () => {
  assert.equal(withoutInvisible("🙂\u200d\u202e🙂"), "🙂🙂");
  assert.equal(inspect(withoutInvisible("🙂\ufe01\u202e\ufe02")).invisible, 0);
});

test("a paste of megabytes is inspected at once", () => {
  const text = "echo 'größe 日本' 👨‍👩‍👧 می‌خواهم\n".repeat(40_000);
  const began = performance.now();
  assert.equal(inspect(text).invisible, 0);
  assert.ok(performance.now() - began < 1000);
});
