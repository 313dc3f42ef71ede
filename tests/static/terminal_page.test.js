/* What a page keeps, asks and tells about its terminals. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "./fakes.js";

const { socketAddress } = await import("../../static/src/terminal/address.js");
const { createSession, endSession, nodesUp, openSessions, Refusal, sentenceOf } = await import("../../static/src/terminal/api.js");
const { askFor, giveAway, handoverHash, takeHash, windowId } = await import("../../static/src/terminal/handover.js");
const { clock } = await import("../../static/src/terminal/idle.js");
const { count, kitOf } = await import("../../static/src/terminal/kit.js");
const { fits, preferences } = await import("../../static/src/terminal/preferences.js");
const { Remembered } = await import("../../static/src/terminal/remembered.js");
const { listShares, share, takeBack } = await import("../../static/src/terminal/sharing/requests.js");
const { since } = await import("../../static/src/terminal/since.js");
const { isDark, theme, dark, light } = await import("../../static/src/terminal/themes.js");

let requests;

/** Have the next requests answered with `status` and `body`; null: there is no network. */
function answer(status, body) {
  globalThis.fetch = (url, options) => {
    requests.push({ url, ...options });
    if (status === null) return Promise.reject(new TypeError("no network"));
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  };
}

beforeEach(() => {
  requests = [];
  localStorage.broken = sessionStorage.broken = false;
  localStorage.values.clear();
  sessionStorage.values.clear();
});

test("the websocket is on the page's host, whatever host the portal thinks it has", () => {
  assert.equal(socketAddress("https://inside.example:8443/ws/t/1/?w=2"), "wss://portal.example/ws/t/1/?w=2");
  assert.equal(socketAddress("/ws/t/1/"), "wss://portal.example/ws/t/1/");
  const { location } = window;
  window.location = new URL("http://127.0.0.1:8000/");
  assert.equal(socketAddress("/ws/t/1/"), "ws://127.0.0.1:8000/ws/t/1/");
  window.location = location;
});

test("a shell is asked for with the CSRF token", async () => {
  answer(201, { id: "s-1" });
  assert.deepEqual(await createSession("/api/", { job: "Ab12cd", cols: 80, rows: 24 }), { id: "s-1" });
  const [{ method, headers, body }] = requests;
  assert.deepEqual([method, headers["X-CSRFToken"], JSON.parse(body).job], ["POST", "the-token", "Ab12cd"]);
});

test("a refusal has the portal's reason and sentence", async () => {
  answer(403, { reason: "cidr_denied", detail: "Not from here." });
  await assert.rejects(createSession("/api/", {}), (error) => error instanceof Refusal && error.reason === "cidr_denied" && error.message === "Not from here.");
  answer(400, { cols: ["Too many."] });
  await assert.rejects(createSession("/api/", {}), { reason: "http_400", message: "Too many." });
  answer(401, {});
  await assert.rejects(createSession("/api/", {}), { reason: "not_signed_in" });
  answer(null);
  await assert.rejects(createSession("/api/", {}), { reason: "portal_unreachable" });
});

test("the sentence of a refusal: detail before fields, and never the reason", () => {
  assert.equal(sentenceOf({ detail: "A.", cols: ["B."] }), "A.");
  assert.equal(sentenceOf({ reason: "x", n: 3, cols: ["B."] }), "B.");
  assert.equal(sentenceOf({ reason: "x" }), undefined);
});

test("open shells: the oldest first, without those that ended meanwhile", async () => {
  answer(200, { results: [{ id: "c", endedAt: null }, { id: "b", endedAt: "2026-04-03T10:00:00Z" }, { id: "a", endedAt: null }] });
  const open = await openSessions("/api/", { machine: 3 });
  assert.deepEqual(open.map(({ id }) => id), ["a", "c"]);
  assert.equal(requests[0].url, "/api/?open=true&machine=3");
});

test("nodes: those that run", async () => {
  answer(200, { results: [{ name: "head", status: "running" }, { name: "c1", status: "booting" }] });
  assert.deepEqual(await nodesUp("/api/"), ["head"]);
});

test("ending a shell never fails, and goes on while the page is closed", async () => {
  answer(null);
  await endSession("/api/", "s-1");
  assert.deepEqual([requests[0].url, requests[0].method, requests[0].keepalive], ["/api/s-1/", "DELETE", true]);
});

test("shares: list, add, take back, refuse", async () => {
  answer(200, [{ id: 1 }]);
  assert.deepEqual(await listShares("s-1"), [{ id: 1 }]);
  assert.equal(requests[0].url, "/api/v2/terminal-sessions/s-1/shares/");
  await share("s-1", "bob", true);
  assert.deepEqual(JSON.parse(requests[1].body), { person: "bob", mayType: true });
  answer(204);
  assert.equal(await takeBack("s-1", 7), null);
  assert.deepEqual([requests[2].method, requests[2].url], ["DELETE", "/api/v2/terminal-sessions/s-1/shares/7/"]);
  answer(400, { person: ["Nobody has that name."] });
  await assert.rejects(share("s-1", "x", false), { message: "Nobody has that name." });
});

test("remembered tabs come back in their order", () => {
  const remembered = new Remembered("/jobs/1/");
  const tab = (session) => ({ session, node: "head", name: "head", active: false });
  remembered.write([tab("a"), tab("b")]);
  assert.deepEqual(remembered.read().map(({ session }) => session), ["a", "b"]);
  assert.deepEqual(new Remembered("/jobs/2/").read(), []);
  remembered.write([]);
  assert.equal(sessionStorage.values.size, 0);
});

test("remembered tabs: what is not ours, and no storage, are no tabs", () => {
  const remembered = new Remembered("/jobs/1/");
  sessionStorage.setItem(remembered.key, '[{"session": 5, "node": "head"}, {"session": "a", "node": "head"}]');
  assert.deepEqual(remembered.read().map(({ session }) => session), ["a"]);
  sessionStorage.setItem(remembered.key, "{nonsense");
  assert.deepEqual(remembered.read(), []);
  sessionStorage.broken = true;
  assert.deepEqual(remembered.read(), []);
  remembered.write([{ session: "a" }]);
});

test("preferences: only values that fit", () => {
  assert.equal(fits("fontSize", 14), true);
  assert.equal(fits("fontSize", null), true);
  for (const [name, value] of [["fontSize", 7], ["fontSize", 33], ["fontSize", "14"], ["bell", "yes"], ["unknown", 1], ["toString", "x"]]) {
    assert.equal(fits(name, value), false, `${name} ${value}`);
  }
});

test("preferences: stored, told, and followed from another window", () => {
  let changes = 0;
  preferences.addEventListener("change", () => (changes += 1));
  preferences.set("bell", false);
  assert.equal(JSON.parse(localStorage.getItem("headnode-terminal")).bell, false);
  localStorage.setItem("headnode-terminal", '{"fontSize": 20, "colours": 5}');
  window.dispatchEvent(Object.assign(new Event("storage"), { key: "headnode-terminal" }));
  assert.deepEqual([preferences.fontSize, preferences.get("bell"), preferences.get("colours")], [20, true, "page"]);
  window.dispatchEvent(Object.assign(new Event("storage"), { key: "something" }));
  assert.equal(changes, 2);
});

test("preferences: the size of letters goes in steps, within limits, and back", () => {
  preferences.set("fontSize", 31);
  preferences.stepFontSize(1);
  preferences.stepFontSize(1);
  assert.equal(preferences.fontSize, 32);
  preferences.stepFontSize(-1);
  assert.equal(preferences.fontSize, 31);
  preferences.stepFontSize(0);
  assert.equal(preferences.fontSize, 14);
  localStorage.broken = true;
  preferences.set("fontSize", 20);
  assert.equal(preferences.fontSize, 20, "without storage it holds for this page");
  preferences.stepFontSize(0);
});

test("handing over: the address names shell and window, and is cleaned", () => {
  const { location } = window;
  const history = [];
  globalThis.history = { state: null, replaceState: (_state, _title, url) => history.push(url) };
  window.location = new URL(`https://portal.example/terminal/?x=1${handoverHash("s-1", "head & 2")}`);
  assert.deepEqual(takeHash(), { session: "s-1", from: windowId, name: "head & 2" });
  assert.deepEqual(history, ["/terminal/?x=1"]);
  window.location = new URL("https://portal.example/#session=s-1");
  assert.equal(takeHash(), null);
  window.location = location;
});

test("handing over: the window that has the shell gives its state", async () => {
  const asked = [];
  const stop = giveAway((session) => {
    asked.push(session);
    return Promise.resolve(session === "s-1" ? { offset: 9, text: "$ ", cols: 80, rows: 24 } : null);
  });
  assert.deepEqual(await askFor("s-1", windowId), { offset: 9, text: "$ ", cols: 80, rows: 24 });
  assert.deepEqual(asked, ["s-1"]);
  stop();
});

test("handing over: no window answers within a second and a half", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = askFor("s-1", "another window");
  context.mock.timers.tick(1500);
  assert.equal(await asked, null);
});

test("the time an idle shell has left", () => {
  assert.deepEqual([0, 1, 59_001, 119_000].map(clock), ["0:00", "0:01", "1:00", "1:59"]);
});

test("how long ago a shell was opened", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: Date.parse("2026-04-03T10:00:00Z") });
  assert.equal(since("2026-04-03T09:48:00Z"), "12 minutes ago");
  assert.equal(since("2026-04-02T10:00:00Z"), "yesterday");
  assert.equal(since("2026-04-03T10:00:05Z"), "now");
});

test("sentences: placeholders are filled in, unknown ones stay", () => {
  const { word } = kitOf("any");
  assert.equal(word("{n} of {name}", { n: 0 }), "0 of {name}");
  assert.equal(count("lines", 1), "lines_one");
  assert.equal(count("lines", 2), "lines");
});

test("themes: by name, or like the page", () => {
  assert.equal(theme("light").background, light.background);
  assert.equal(isDark(theme("contrast")), true);
  document.documentElement.dataset.bsTheme = "dark";
  assert.equal(theme("page").background, dark.background);
  document.documentElement.dataset.bsTheme = "light";
  assert.equal(isDark(theme("page")), false);
  delete document.documentElement.dataset.bsTheme;
  assert.equal(isDark(theme("page")), false, "the system's choice");
});

function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test("themes: text can be read, 4.5:1", () => {
  for (const name of ["light", "dark", "contrast"]) {
    const { foreground, background } = theme(name);
    const [low, high] = [luminance(foreground), luminance(background)].sort((one, other) => one - other);
    assert.ok((high + 0.05) / (low + 0.05) >= 4.5, name);
  }
});

test("how long ago: the units change exactly at their length", (context) => {
  const now = Date.parse("2026-04-03T10:00:00Z");
  context.mock.timers.enable({ apis: ["Date"], now });
  const texts = [59, 60, 3600, 7200].map((seconds) => since(new Date(now - seconds * 1000).toISOString()));
  assert.deepEqual(texts, ["59 seconds ago", "1 minute ago", "1 hour ago", "2 hours ago"]);
});
