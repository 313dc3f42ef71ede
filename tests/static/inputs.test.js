/* Inputs of the New job form: sizes and rates, folders, and the queue of uploads. */
import assert from "node:assert/strict";
import test from "node:test";
import { chosenFiles, grouped } from "../../static/src/inputs/dropped.js";
import { Rate, sizeText } from "../../static/src/inputs/rate.js";
import { Item, sentenceOf, UploadQueue } from "../../static/src/inputs/upload_queue.js";

test("sizes", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 200 * 1024 ** 2, 3.25 * 1024 ** 3].map(sizeText), ["0 B", "1,023 B", "1 kB", "1.5 kB", "200 MB", "3.3 GB"]);
});

test("a rate is that of the last seconds, and unknown at first", () => {
  const rate = new Rate();
  assert.equal(rate.secondsFor(100), null);
  for (let second = 0; second <= 20; second += 1) rate.note(second < 10 ? second * 1000 : 10_000 + (second - 10) * 100, second * 1000);
  assert.equal(Math.round(rate.perSecond), 100);
  assert.equal(rate.secondsFor(1000), 10);
  rate.note(0, 21_000);
  assert.equal(rate.perSecond, 0);
});

const file = (name, path = "", size = 10) => ({ name, size, lastModified: 1, webkitRelativePath: path });

test("files of one folder are one row", () => {
  const rows = grouped(chosenFiles([file("a.txt"), file("U", "case/0/U"), file("p", "case/0/p")]));
  assert.deepEqual([...rows].map(([name, found]) => [name, found.map(({ path }) => path)]), [
    ["a.txt", ["a.txt"]],
    ["case/", ["case/0/U", "case/0/p"]],
  ]);
});

/** Stands for tus-js-client's Upload: a test says what happens. */
class FakeClient {
  static all = [];
  url = null;
  started = 0;
  aborted = [];
  constructor(sent, options) {
    this.file = sent;
    this.options = options;
    FakeClient.all.push(this);
  }
  findPreviousUploads() {
    return Promise.resolve([]);
  }
  start() {
    this.started += 1;
  }
  abort(terminates = false) {
    this.aborted.push(terminates);
    return Promise.resolve();
  }
  succeed(id) {
    this.options.onAfterResponse({}, { getHeader: () => id });
    this.options.onSuccess();
  }
}

function queueOf(count) {
  FakeClient.all = [];
  const queue = new UploadQueue({
    endpoint: "/x", csrfToken: () => "t", changed: () => {}, sentences: { line: "The line dropped." }, Client: FakeClient,
  });
  const items = Array.from({ length: count }, (_, n) => new Item({ file: file(`f${n}`), path: `f${n}` }));
  queue.add(items);
  return { queue, items };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));
const states = (items) => items.map(({ state }) => state);

test("three go out at once, and the next when one has arrived", async () => {
  const { items } = queueOf(5);
  await settle();
  assert.deepEqual(states(items), ["sending", "sending", "sending", "waiting", "waiting"]);
  FakeClient.all[0].succeed("AbCdEf");
  await settle();
  assert.deepEqual(states(items), ["done", "sending", "sending", "sending", "waiting"]);
  assert.equal(items[0].fileId, "AbCdEf");
});

test("what is paused makes room, and goes on with the same upload", async () => {
  const { queue, items } = queueOf(4);
  await settle();
  queue.pause(items[0]);
  await settle();
  assert.deepEqual(states(items), ["paused", "sending", "sending", "sending"]);
  queue.resume(items[0]);
  queue.pause(items[1]);
  await settle();
  assert.equal(items[0].state, "sending");
  assert.equal(FakeClient.all.length, 4);
  assert.equal(FakeClient.all[0].started, 2);
});

test("what is refused says why, and can be tried again", async () => {
  const { queue, items } = queueOf(1);
  await settle();
  const response = { getStatus: () => 413, getBody: () => '{"detail": "No room.", "reason": "x"}' };
  const error = Object.assign(new Error("tus"), { originalResponse: response });
  assert.equal(FakeClient.all[0].options.onShouldRetry(error), false);
  FakeClient.all[0].options.onError(error);
  assert.deepEqual([items[0].state, items[0].error, items[0].lineFailed], ["failed", "No room.", false]);
  queue.resume(items[0]);
  await settle();
  assert.equal(items[0].state, "sending");
});

test("what passes is tried again, and a removed upload is given up", async () => {
  const { queue, items } = queueOf(1);
  await settle();
  const [client] = FakeClient.all;
  for (const status of [408, 409, 423, 429, 460, 500, 503]) {
    assert.equal(client.options.onShouldRetry(Object.assign(new Error("x"), { originalResponse: { getStatus: () => status } })), true);
  }
  assert.equal(client.options.onShouldRetry(new Error("offline")), true);
  client.url = "/x/1/";
  queue.remove(items[0]);
  assert.deepEqual(client.aborted, [false, true]);
});

test("a refusal without a sentence", () => {
  assert.deepEqual(["", "<html>", "[]", '{"detail": 1}'].map(sentenceOf), ["", "", "", ""]);
});
