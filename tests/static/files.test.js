/* The Files panel: order, filter, sizes, paths, rows in view, and what a preview makes of bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "./fakes.js";

const { arranged, crumbs, inView, parentOf, pathOf, shown, sizeText } = await import("../../static/src/job_page/files/listing.js");
const { exactText, isBinary, lineEnds, linesOf, pictureType, separatorOf, tableOf } = await import("../../static/src/job_page/files/text_parts.js");
const { refusalOf } = await import("../../static/src/job_page/files/api.js");

const entry = (name, kind = "file", size = 0, modifiedAt = null) => ({ name, path: name, kind, size, modifiedAt, target: null });
const order = (entries, view = {}) => arranged(entries, { text: "", column: "name", down: false, ...view }).map(({ name }) => name);

test("order: folders first, numbers as numbers", () => {
  assert.deepEqual(order([entry("b10"), entry("b9"), entry("z", "folder"), entry("a")]), ["z", "a", "b9", "b10"]);
  assert.deepEqual(order([entry("a"), entry("b"), entry("z", "folder")], { down: true }), ["z", "b", "a"]);
});

test("order: by size and time, equal ones by name", () => {
  const entries = [entry("b", "file", 5, "2026-01-02"), entry("a", "file", 5, "2026-01-03"), entry("c", "file", 1, "2026-01-01")];
  assert.deepEqual(order(entries, { column: "size" }), ["c", "a", "b"]);
  assert.deepEqual(order(entries, { column: "size", down: true }), ["a", "b", "c"]);
  assert.deepEqual(order(entries, { column: "modifiedAt", down: true }), ["a", "b", "c"]);
});

test("filter: any part of a name, in any case; the list that was given stays", () => {
  const entries = [entry("Mesh.vtk"), entry("log")];
  assert.deepEqual(order(entries, { text: " MESH " }), ["Mesh.vtk"]);
  assert.equal(entries.length, 2);
});

test("20,000 entries are arranged in a moment", () => {
  const entries = Array.from({ length: 20_000 }, (_, at) => entry(`file ${(at * 7919) % 20_000}`, "file", at % 100));
  const before = performance.now();
  order(entries, { column: "size" });
  assert.ok(performance.now() - before < 3000);
});

test("sizes", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1024 ** 2 - 1, 5 * 1024 ** 4].map(sizeText), ["0 B", "1023 B", "1.0 KB", "1.5 KB", "1.0 MB", "5.0 TB"]);
});

test("paths: what a person writes is that name, also with a percent sign", () => {
  assert.equal(pathOf("", "a"), "a");
  assert.equal(pathOf("x/y", "100%41 50%e"), "x/y/100%2541 50%e");
  assert.equal(parentOf("a/b/c"), "a/b");
  assert.equal(parentOf("a"), "");
  assert.deepEqual(crumbs("a/b"), [{ name: "a", path: "a" }, { name: "b", path: "a/b" }]);
  assert.deepEqual(crumbs(""), []);
});

test("names: invisible characters are written out", () => {
  assert.equal(shown("a\nb\u202ec"), "a\\u{a}b\\u{202e}c");
  assert.equal(shown("ä 日本"), "ä 日本");
});

test("rows in view: a few before and after, never outside", () => {
  assert.deepEqual(inView({ top: 3600, height: 360, row: 36, count: 20_000, spare: 5 }), { first: 95, last: 115 });
  assert.deepEqual(inView({ top: 0, height: 360, row: 36, count: 3 }), { first: 0, last: 3 });
  assert.deepEqual(inView({ top: 99_999, height: 360, row: 36, count: 0 }), { first: 0, last: 0 });
});

test("bytes: text, binary, and what is not UTF-8", () => {
  assert.equal(isBinary(new Uint8Array([65, 0])), true);
  assert.equal(exactText(new Uint8Array([0xff])), null);
  assert.equal(exactText(new TextEncoder().encode("\ufeffä")), "\ufeffä");
  assert.deepEqual(linesOf("a\nb\n"), ["a", "b"]);
});

test("line ends: only those that a field keeps may be edited", () => {
  assert.deepEqual(["a", "a\nb\n", "a\r\nb\r\n", "a\r\nb\n", "a\rb"].map(lineEnds), ["\n", "\n", "\r\n", "mixed", "mixed"]);
});

test("kinds by name: a picture that runs nothing, a table; SVG and HTML are text", () => {
  assert.equal(pictureType("A.PNG"), "image/png");
  assert.deepEqual(["x.svg", "x.html", "x.txt"].map(pictureType), ["", "", ""]);
  assert.deepEqual(["a.csv", "a.tsv", "a.txt"].map(separatorOf), [",", "\t", ""]);
});

test("tables: quotes, separators and line breaks in a value, at most so many rows", () => {
  assert.deepEqual(tableOf('a,"b ""x"", y"\r\n"1\n2",3', ",", 10), [["a", 'b "x", y'], ["1\n2", "3"]]);
  assert.deepEqual(tableOf("1\n2\n3\n", ",", 2), [["1"], ["2"]]);
  assert.deepEqual(tableOf("", ",", 2), []);
});

test("refusals: the sentence of the API, or a general one", () => {
  const refused = refusalOf(409, '{"path": ["There is already a file."], "reason": "path_exists"}', "No answer.");
  assert.deepEqual([refused.message, refused.reason, refused.status], ["There is already a file.", "path_exists", 409]);
  assert.equal(refusalOf(502, "<html>", "No answer.").message, "No answer.");
});

test("attention: a page that is only open rests after a minute, and a click ends that", async () => {
  const { Attention, RESTS_AFTER_MS } = await import("../../static/src/job_page/files/attention.js");
  const page = new EventTarget();
  let now = 0;
  let back = 0;
  const attention = new Attention(page, () => (back += 1), () => now);
  assert.ok(attention.isThere);
  now = RESTS_AFTER_MS - 1;
  assert.ok(attention.isThere);
  page.dispatchEvent(new Event("wheel"));
  now += RESTS_AFTER_MS - 1;
  assert.ok(attention.isThere);
  assert.equal(back, 0);
  now += 1;
  page.dispatchEvent(new Event("headnode:job-state"));
  assert.ok(!attention.isThere);
  page.dispatchEvent(new Event("pointerdown"));
  assert.ok(attention.isThere);
  assert.equal(back, 1);
});
