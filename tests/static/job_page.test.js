/* The job page: colours, chunks of lines, times, and following the events. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Element, Socket } from "./fakes.js";

const { hasControls, pieces } = await import("../../static/src/job_page/ansi.js");
const { Chunks } = await import("../../static/src/job_page/chunks.js");
const { Clock, sinceStart } = await import("../../static/src/job_page/clock.js");
const { followEvents } = await import("../../static/src/job_page/events_socket.js");
const { local } = await import("../../static/src/job_page/extend.js");
const { isPort } = await import("../../static/src/connect.js");
const { duration } = await import("../../static/src/durations.js");
const { showTimes } = await import("../../static/src/times.js");

const shown = (text) => pieces(text).map((piece) => [piece.text, piece.names]);

test("colours: plain text stays as it is", () => {
  assert.equal(hasControls("plain <b>text</b>\twith a tab"), false);
  assert.deepEqual(shown("plain <b>"), [["plain <b>", ""]]);
});

test("colours: foreground, bright ones as the usual ones, and back", () => {
  assert.equal(hasControls("\x1b[31mred"), true);
  assert.deepEqual(shown("a\x1b[31mb\x1b[92mc\x1b[39md"), [["a", ""], ["b", "ansi-1"], ["c", "ansi-2"], ["d", ""]]);
});

test("colours: styles, one by one and together", () => {
  assert.deepEqual(shown("\x1b[1;4;34mx\x1b[22;24my\x1b[0mz"), [["x", "ansi-bold ansi-underline ansi-4"], ["y", "ansi-4"], ["z", ""]]);
  assert.deepEqual(shown("\x1b[2;3;7ma\x1b[23;27mb\x1b[mc"), [["a", "ansi-dim ansi-italic ansi-inverse"], ["b", "ansi-dim"], ["c", ""]]);
});

test("colours: of 256 the first sixteen; true colour and backgrounds are passed over", () => {
  assert.deepEqual(shown("\x1b[38;5;9ma"), [["a", "ansi-1"]]);
  assert.deepEqual(shown("\x1b[38;5;200ma"), [["a", ""]]);
  assert.deepEqual(shown("\x1b[38;2;1;2;3;1ma"), [["a", "ansi-bold"]]);
  assert.deepEqual(shown("\x1b[48;5;1;4ma"), [["a", "ansi-underline"]]);
});

test("colours: other sequences and controls go, also one that is cut off", () => {
  assert.deepEqual(shown("a\x1b]0;title\x07b\x1b[2Kc\x1b[1"), [["a", ""], ["b", ""], ["c", ""]]);
  assert.deepEqual(shown("a\x00\x07b\x1bM"), [["ab", ""]]);
});

test("colours: a line that was rewritten shows its last state", () => {
  assert.deepEqual(shown("10%\r50%\r100%\r"), [["100%", ""]]);
});

function lines(count, from = 0) {
  return Array.from({ length: count }, (_, index) => Object.assign(new Element(), { number: from + index }));
}

const numbers = (container) => container.children.flatMap((chunk) => chunk.children.map(({ number }) => number));
const sizes = (container) => container.children.map((chunk) => chunk.children.length);

function chunked(count) {
  const container = new Element();
  container.append(...lines(count));
  return { container, chunks: new Chunks(container) };
}

test("chunks: fifty lines each, with the height they will have", () => {
  const { container } = chunked(120);
  assert.deepEqual(sizes(container), [50, 50, 20]);
  assert.equal(container.children[2].style.containIntrinsicBlockSize, "440px");
});

test("chunks: new lines fill the last one first", () => {
  const { container, chunks } = chunked(70);
  chunks.append(lines(50, 70));
  assert.deepEqual(sizes(container), [50, 50, 20]);
  assert.deepEqual(numbers(container), Array.from({ length: 120 }, (_, index) => index));
  assert.equal(chunks.lines.length, 120);
});

test("chunks: the first lines of an empty log", () => {
  const { container, chunks } = chunked(0);
  chunks.append(lines(3));
  assert.deepEqual(sizes(container), [3]);
});

test("chunks: earlier lines come in front, in order", () => {
  const { container, chunks } = chunked(10);
  chunks.prepend(lines(60, -60));
  assert.deepEqual(sizes(container), [50, 10, 10]);
  assert.deepEqual(numbers(container), Array.from({ length: 70 }, (_, index) => index - 60));
  assert.equal(chunks.lines[0].number, -60);
});

test("chunks: whole ones are dropped from the start", () => {
  const { container, chunks } = chunked(150);
  assert.equal(chunks.trim(150), false);
  assert.equal(chunks.trim(99), true);
  assert.deepEqual(sizes(container), [50]);
  assert.equal(chunks.lines[0].number, 100);
  assert.equal(chunks.trim(10), false, "the last chunk stays");
});

test("chunks: a filter hides lines and empty chunks", () => {
  const { container, chunks } = chunked(100);
  assert.equal(chunks.filter((line) => line.number < 5), 5);
  assert.deepEqual(container.children.map(({ hidden }) => hidden), [false, true]);
  assert.equal(container.children[0].style.containIntrinsicBlockSize, "110px");
  assert.equal(chunks.filter(() => true), 100);
  assert.deepEqual(container.children.map(({ hidden }) => hidden), [false, false]);
});

test("times: since the start of the job", () => {
  assert.equal(sinceStart(-5), "0s");
  assert.equal(sinceStart(59_999), "59s");
  assert.equal(sinceStart(65_000), "1m 05s");
  assert.equal(sinceStart(3_600_000 + 62_000), "1h 01m 02s");
});

test("times: in UTC, with the whole time as the title", () => {
  const clock = new Clock("2026-04-03T10:00:00Z");
  const element = { dateTime: "2026-04-03T10:01:05Z" };
  clock.show(element);
  assert.equal(element.textContent, "1m 05s");
  clock.style = "utc";
  clock.show(element);
  assert.deepEqual([element.textContent, element.title], ["10:01:05Z", "2026-04-03T10:01:05.000Z"]);
  clock.style = "local";
  clock.show(element);
  const here = new Date(element.dateTime);
  assert.equal(element.textContent, here.toTimeString().slice(0, 8));
});

test("times: durations", () => {
  assert.deepEqual([-1, 59.9, 75, 3600, 90_061].map(duration), ["0 s", "59 s", "1 min 15 s", "1 h 0 min", "25 h 1 min"]);
});

test("times: ago, running, left, local", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: Date.parse("2026-04-03T10:00:00Z") });
  const time = (style, dateTime) => ({ dateTime, dataset: { time: style }, textContent: "", title: "" });
  const elements = [
    time("ago", "2026-04-03T09:55:00Z"), time("ago", "2026-04-01T10:00:00Z"), time("ago", "2026-04-03T11:00:00Z"),
    time("for", "2026-04-03T09:58:45Z"), time("until", "2026-04-03T10:01:15Z"), time("local", "2026-04-03T09:55:00Z"),
  ];
  showTimes({ querySelectorAll: () => elements });
  const texts = elements.map(({ textContent }) => textContent);
  assert.deepEqual(texts.slice(0, 5), ["5 minutes ago", "2 days ago", "in 1 hour", "1 min 15 s", "1 min 15 s"]);
  assert.match(texts[5], /2026/);
  assert.deepEqual(elements.map(({ title }) => title !== ""), [true, true, true, false, true, true]);
});

test("times: a UTC time on this computer's clock is the same moment", () => {
  assert.equal(local(""), "");
  assert.equal(local(null), "");
  assert.match(local("2026-04-03T09:30"), /^2026-04-0[234]T\d\d:\d\d$/);
  assert.equal(new Date(local("2026-04-03T09:30")).toISOString(), "2026-04-03T09:30:00.000Z");
});

test("ports: 1 to 65535, digits only", () => {
  for (const good of ["1", "8888", "65535", "00080"]) assert.equal(isPort(good), true, good);
  for (const bad of ["0", "65536", "", "80a", "-1", "1e3", "123456"]) assert.equal(isPort(bad), false, bad);
});

/** Followed events: what came, and what the connection was said to be. */
function following() {
  const seen = { last: 4, events: [], states: 0, connection: [] };
  followEvents({
    url: "/ws/jobs/Ab12cd/events/",
    after: () => seen.last,
    onEvent: (event) => {
      seen.events.push(event.sequence);
      seen.last = event.sequence;
    },
    onState: () => (seen.states += 1),
    onConnection: (state, wasLost) => seen.connection.push(`${state} ${wasLost}`),
  });
  return seen;
}

beforeEach(() => {
  Socket.all = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 0.5);
});
afterEach(() => mock.reset());

test("events: from the cursor, as they come", () => {
  const seen = following();
  assert.equal(Socket.last.url, "wss://portal.example/ws/jobs/Ab12cd/events/?after=4");
  Socket.last.open();
  Socket.last.deliver('{"sequence": 5}');
  Socket.last.deliver('{"type": "state"}');
  Socket.last.deliver("nonsense");
  Socket.last.deliver('{"type": "something else"}');
  assert.deepEqual(seen, { last: 5, events: [5], states: 1, connection: ["live false"] });
  Socket.last.close(4404);
});

test("events: when some are missing it connects again from the cursor", () => {
  const seen = following();
  Socket.last.open();
  Socket.last.deliver('{"sequence": 5}');
  Socket.last.deliver('{"sequence": 7}');
  assert.deepEqual(seen.events, [5]);
  mock.timers.tick(500);
  assert.match(Socket.last.url, /after=5$/);
  Socket.last.open();
  assert.deepEqual(seen.connection, ["live false", "retrying true", "live true"]);
  Socket.last.close(4404);
});

test("events: the waits double up to twenty seconds, and start again once it was open", () => {
  following();
  for (const [count, wait] of [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000].entries()) {
    Socket.last.close(1006);
    mock.timers.tick(wait - 1);
    assert.equal(Socket.all.length, count + 1, `not before ${wait}`);
    mock.timers.tick(1);
    assert.equal(Socket.all.length, count + 2);
  }
  Socket.last.open();
  Socket.last.close(1006);
  mock.timers.tick(500);
  assert.equal(Socket.all.length, 10);
  Socket.last.close(4404);
});

test("events: a job that is not there is not asked for again", () => {
  const seen = following();
  Socket.last.close(4404);
  mock.timers.tick(60_000);
  window.dispatchEvent(new Event("online"));
  assert.deepEqual([seen.connection, Socket.all.length], [["gone true"], 1]);
});

test("events: back on the network, without waiting", () => {
  following();
  Socket.last.open();
  Socket.last.close(1006);
  window.dispatchEvent(new Event("online"));
  assert.equal(Socket.all.length, 2);
  mock.timers.tick(60_000);
  assert.equal(Socket.all.length, 2, "the wait is over with");
  Socket.last.close(4404);
});

test("colours: exactly the sixteen codes", () => {
  const names = (code) => shown(`\x1b[${code}mx`)[0][1];
  assert.deepEqual([29, 30, 37, 38].map(names), ["", "ansi-0", "ansi-7", ""]);
  assert.deepEqual([89, 90, 97, 98].map(names), ["", "ansi-0", "ansi-7", ""]);
  assert.deepEqual(["38;5;15", "38;5;16"].map(names), ["ansi-7", ""]);
});

test("chunks: a full last chunk stays as it is, a filled one is measured again", () => {
  const { container, chunks } = chunked(50);
  chunks.append(lines(1, 50));
  assert.deepEqual(sizes(container), [50, 1]);
  chunks.append(lines(1, 51));
  assert.equal(container.children[1].style.containIntrinsicBlockSize, "44px");
});

test("chunks: no more is dropped than is too much", () => {
  const { container, chunks } = chunked(200);
  chunks.trim(149);
  assert.deepEqual(sizes(container), [50, 50]);
});

test("times: the units change exactly at their length", (context) => {
  assert.deepEqual([59, 60, 3599, 3600, 7199, 7200].map(duration), ["59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1 h 59 min", "2 h 0 min"]);
  assert.deepEqual([59_000, 60_000, 3_599_000, 3_600_000, 7_199_000].map(sinceStart), ["59s", "1m 00s", "59m 59s", "1h 00m 00s", "1h 59m 59s"]);
  const now = Date.parse("2026-04-03T10:00:00Z");
  context.mock.timers.enable({ apis: ["Date"], now });
  const before = (seconds) => ({ dateTime: new Date(now - seconds * 1000).toISOString(), dataset: { time: "ago" } });
  const elements = [0, 59, 60, 3600, 86_400, 2_592_000, 31_536_000].map(before);
  showTimes({ querySelectorAll: () => elements });
  const texts = elements.map(({ textContent }) => textContent);
  assert.deepEqual(texts, ["now", "59 seconds ago", "1 minute ago", "1 hour ago", "yesterday", "last month", "last year"]);
});
