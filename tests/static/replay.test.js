/* Recordings: reading them, their timeline, and the player. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { parse, sizeOf } from "../../static/src/replay/cast.js";
import { clock } from "../../static/src/replay/clock.js";
import { Player } from "../../static/src/replay/player.js";
import { LONGEST_PAUSE, Timeline } from "../../static/src/replay/timeline.js";

const HEADER = '{"version": 2, "width": 90, "height": 30}';

test("an asciicast: header and events; unknown kinds of events are passed over", () => {
  const cast = parse(`${HEADER}\n[0.5, "o", "hi"]\n[1, "i", "x"]\n\n[2, "r", "100x40"]\n[3, "m", "here"]\n`);
  assert.equal(cast.header.width, 90);
  assert.deepEqual(cast.events, [
    { at: 0.5, code: "o", data: "hi" }, { at: 2, code: "r", data: "100x40" }, { at: 3, code: "m", data: "here" },
  ]);
});

test("an asciicast that was cut off within a line is shown up to there", () => {
  assert.deepEqual(parse(`${HEADER}\n[0.5, "o", "hi"]\n[1, "o", "th`).events.length, 1);
});

test("what is no asciicast is refused", () => {
  assert.throws(() => parse('{"version": 1}'), /version 2/);
  assert.throws(() => parse("null"), /version 2/);
  assert.throws(() => parse("<html>"), SyntaxError);
});

test("sizes", () => {
  assert.deepEqual(sizeOf("90x30"), { cols: 90, rows: 30 });
  for (const bad of ["90", "x30", "90x", "99999x1", "90x30 "]) assert.equal(sizeOf(bad), null, bad);
});

test("positions as text", () => {
  assert.deepEqual([0, 75.9, 600, 3700].map(clock), ["0:00", "1:15", "10:00", "1:01:40"]);
});

test("the timeline: pauses as they were, or shortened", () => {
  const times = [1, 2, 12, 12.5];
  assert.deepEqual(new Timeline(times, false).times, times);
  const short = new Timeline(times, true);
  assert.deepEqual(short.times, [1, 2, 2 + LONGEST_PAUSE, 2.5 + LONGEST_PAUSE]);
  assert.equal(short.length, 4.5);
});

test("the timeline: times that go backwards do not", () => {
  assert.deepEqual(new Timeline([2, 1, 3], false).times, [2, 2, 4]);
});

test("the timeline: how many events have happened", () => {
  const timeline = new Timeline([1, 2, 2, 3], false);
  assert.deepEqual([0, 0.9, 1, 2, 2.9, 3, 99].map((at) => timeline.countAt(at)), [0, 0, 1, 3, 3, 4, 4]);
  assert.equal(new Timeline([], true).countAt(5), 0);
});

test("the timeline: the time of a count", () => {
  const timeline = new Timeline([1, 2, 3], false);
  assert.deepEqual([0, 1, 3, 9].map((count) => timeline.timeOf(count)), [0, 1, 3, 3]);
});

/** A screen that draws at once and writes down what it was told. */
class Screen {
  text = "";
  sizes = [];
  resets = 0;

  write(text, done) {
    this.text += text;
    queueMicrotask(done);
  }

  reset() {
    this.text = "";
    this.resets += 1;
  }

  resize({ cols, rows }) {
    this.sizes.push(`${cols}x${rows}`);
  }
}

let now;
let frame;

/** Let `seconds` pass, in frames of a tenth of a second. */
async function pass(seconds) {
  for (let count = Math.round(seconds * 10); count > 0; count -= 1) {
    now += 100;
    const draw = frame;
    frame = null;
    draw?.(now);
    await Promise.resolve(); // the screen draws
  }
}

beforeEach((context) => {
  now = 1000;
  frame = null;
  globalThis.requestAnimationFrame = (draw) => {
    frame = draw;
    return 1;
  };
  globalThis.cancelAnimationFrame = () => {
    frame = null;
  };
  context.mock?.method(performance, "now", () => now);
  if (!context.mock) performance.now = () => now;
});

const EVENTS = [
  { at: 1, code: "o", data: "one " },
  { at: 2, code: "r", data: "100x40" },
  { at: 3, code: "o", data: "two " },
  { at: 4, code: "m", data: "note" },
  { at: 14, code: "o", data: "three" },
];

function playing(events = EVENTS) {
  const screen = new Screen();
  const player = new Player({ header: { version: 2, width: 80, height: 24 }, events }, screen);
  const markers = [];
  player.addEventListener("marker", ({ detail }) => markers.push(detail));
  return { player, screen, markers };
}

test("the player begins in the recording's size, with pauses shortened", () => {
  const { player, screen } = playing();
  assert.deepEqual(screen.sizes, ["80x24"]);
  assert.equal(player.length, 6);
  assert.deepEqual(player.markers, [{ at: 4, text: "note" }]);
});

test("it plays in time, and stops at the end", async () => {
  const { player, screen, markers } = playing();
  player.play();
  await pass(1.1);
  assert.equal(screen.text, "one ");
  await pass(1);
  assert.deepEqual(screen.sizes, ["80x24", "100x40"]);
  await pass(2.1);
  assert.equal(screen.text, "one two ");
  assert.equal(markers.at(-1), "note");
  await pass(2);
  assert.equal(screen.text, "one two three");
  assert.deepEqual([player.playing, player.atEnd, player.position], [false, true, 6]);
});

test("twice as fast", async () => {
  const { player, screen } = playing();
  player.setSpeed(2);
  player.play();
  await pass(1.6);
  assert.equal(screen.text, "one two ");
});

test("a pause holds it", async () => {
  const { player, screen } = playing();
  player.play();
  await pass(1.1);
  player.pause();
  await pass(5);
  assert.equal(screen.text, "one ");
});

test("seeking forwards plays all before at once; backwards it begins anew", async () => {
  const { player, screen, markers } = playing();
  await player.seek(4);
  assert.equal(screen.text, "one two ");
  assert.deepEqual(screen.sizes, ["80x24", "100x40"]);
  assert.equal(markers.at(-1), "note");
  await player.seek(1);
  assert.deepEqual([screen.text, screen.resets, screen.sizes.at(-1)], ["one ", 1, "80x24"]);
  assert.equal(markers.at(-1), "");
});

test("seeking stays within the recording", async () => {
  const { player, screen } = playing();
  await player.seek(99);
  assert.deepEqual([player.position, screen.text], [6, "one two three"]);
  await player.seek(-5);
  assert.deepEqual([player.position, screen.text], [0, ""]);
});

test("of several seeks the last one counts", async () => {
  const { player, screen } = playing();
  await Promise.all([player.seek(6), player.seek(3), player.seek(1)]);
  assert.deepEqual([player.position, screen.text], [1, "one "]);
});

test("pauses shortened or not, the place in the recording stays", async () => {
  const { player } = playing();
  await player.seek(6);
  player.skipPauses(false);
  assert.deepEqual([player.length, player.position], [14, 14]);
  player.skipPauses(true);
  assert.equal(player.position, 6);
});

test("playing from the end begins at the start", async () => {
  const { player, screen } = playing();
  await player.seek(6);
  player.play();
  await player.seeking;
  await pass(1.2);
  assert.equal(screen.text, "one ");
});

test("while the screen has much to draw, the clock waits", async () => {
  const { player, screen } = playing([{ at: 1, code: "o", data: "x".repeat(600 * 1024) }, { at: 1.5, code: "o", data: "after" }]);
  const waiting = [];
  screen.write = (text, done) => waiting.push(done);
  player.play();
  await pass(3);
  assert.equal(waiting.length, 1);
  waiting[0]();
  await pass(1);
  assert.equal(waiting.length, 2);
});
