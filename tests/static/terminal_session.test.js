/* One session over its sockets: attaching, output, losing the connection and coming back. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Socket } from "./fakes.js";

const { Session } = await import("../../static/src/terminal/session.js");
const { ConnectionWatch } = await import("../../static/src/terminal/connection_watch.js");

const READY = { version: 1, session: "s-1", node: "head", offset: 0, skipped: 0, inputWindow: 131072 };
const encoder = new TextEncoder();
const sessions = [];

const message = (opcode, value) => Uint8Array.from([opcode, ...encoder.encode(JSON.stringify(value))]).buffer;

function output(offset, text) {
  const view = new DataView(new ArrayBuffer(9 + text.length));
  view.setUint8(0, 0x82);
  view.setBigUint64(1, BigInt(offset));
  new Uint8Array(view.buffer).set(encoder.encode(text), 9);
  return view.buffer;
}

/** A session whose events are written down. */
function begin(offset = 0) {
  const session = new Session("s-1", "/ws/terminal/s-1/", offset);
  const heard = [];
  for (const name of ["ready", "output", "notice", "frame"]) session.addEventListener(name, ({ detail }) => heard.push([name, detail]));
  session.addEventListener("state", () => heard.push(["state", session.state]));
  sessions.push(session);
  session.connect();
  return { session, heard };
}

function attached(offset = 0) {
  const begun = begin(offset);
  Socket.last.open();
  Socket.last.deliver(message(0x81, { ...READY, offset }));
  return begun;
}

const opcodesSent = () => Socket.last.sent.map(([opcode]) => opcode);

beforeEach(() => {
  Socket.all = [];
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.leave();
  mock.timers.reset();
});

test("the socket is on the page's host, with the subprotocol", () => {
  begin();
  assert.equal(Socket.last.url, "wss://portal.example/ws/terminal/s-1/");
  assert.equal(Socket.last.protocol, "headnode-terminal.v1");
});

test("HELLO tells the offset; READY opens the session and sends the size", () => {
  const { session, heard } = begin(7);
  Socket.last.open();
  assert.deepEqual([...Socket.last.sent[0]], [1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 80, 0, 24]);
  assert.equal(session.type(Uint8Array.of(65)), false, "not before READY");
  Socket.last.deliver(message(0x81, { ...READY, offset: 7 }));
  assert.equal(session.state, "open");
  assert.deepEqual(opcodesSent(), [1, 3]);
  assert.deepEqual(heard.map(([name]) => name), ["state", "ready", "state"]);
  assert.equal(session.type(Uint8Array.of(65)), true);
  assert.deepEqual([...Socket.last.sent.at(-1)], [2, 65]);
});

test("output that is known already is cut off", () => {
  const { session, heard } = attached();
  Socket.last.deliver(output(0, "hello"));
  Socket.last.deliver(output(3, "lo you"));
  Socket.last.deliver(output(2, "llo"));
  const texts = heard.filter(([name]) => name === "output").map(([, { data, end }]) => [new TextDecoder().decode(data), end]);
  assert.deepEqual(texts, [["hello", 5], [" you", 9]]);
  assert.equal(session.received, 9);
});

test("output is acknowledged once it was drawn", () => {
  const { session } = attached();
  Socket.last.deliver(output(0, "hello"));
  session.drew(5);
  mock.timers.tick(60);
  assert.deepEqual([...Socket.last.sent.at(-1)], [4, 0, 0, 0, 0, 0, 0, 0, 5]);
});

test("after a lost connection it comes back after 1, 2, 4, 8, 15 seconds, from where it was", () => {
  const { session } = attached();
  Socket.last.deliver(output(0, "hello"));
  session.drew(5);
  for (const [count, seconds] of [1, 2, 4, 8, 15, 15].entries()) {
    Socket.last.close(1006);
    assert.equal(session.state, "reconnecting");
    mock.timers.tick(seconds * 1000 - 1);
    assert.equal(Socket.all.length, count + 1, `not before ${seconds} seconds`);
    mock.timers.tick(1);
    assert.equal(Socket.all.length, count + 2);
  }
  Socket.last.open();
  assert.deepEqual([...Socket.last.sent[0]].slice(0, 10), [1, 1, 0, 0, 0, 0, 0, 0, 0, 5]);
  Socket.last.deliver(message(0x81, { ...READY, offset: 5 }));
  assert.equal(session.state, "open");
  assert.equal(session.attempts, 0);
});

test("HELLO waits until what was received is drawn", () => {
  const { session } = attached();
  Socket.last.deliver(output(0, "hello"));
  Socket.last.close(1006);
  mock.timers.tick(1000);
  Socket.last.open();
  assert.deepEqual(opcodesSent(), []);
  session.drew(5);
  assert.deepEqual(opcodesSent(), [1]);
});

test("input is never sent twice; the person is told when a part of a paste may be lost", () => {
  const { session, heard } = attached();
  session.type(new Uint8Array(200_000));
  Socket.last.close(1006);
  assert.equal(heard.filter(([name]) => name === "notice").length, 1);
  mock.timers.tick(1000);
  Socket.last.open();
  Socket.last.deliver(message(0x81, READY));
  assert.equal(opcodesSent().includes(2), false);
});

test("END is final or a refusal; neither connects again", () => {
  for (const [final, state] of [[true, "ended"], [false, "refused"]]) {
    const { session } = attached();
    const count = Socket.all.length;
    Socket.last.deliver(message(0x84, { reason: "exited", message: "It ended.", final }));
    Socket.last.close(1000);
    mock.timers.tick(60_000);
    assert.equal(session.state, state);
    assert.equal(session.end.message, "It ended.");
    assert.equal(Socket.all.length, count);
  }
});

test("close codes: signed out and not found are ends", () => {
  const { session } = attached();
  Socket.last.close(4401);
  assert.deepEqual([session.state, session.end.reason], ["refused", "not_signed_in"]);
  const { session: other } = attached();
  Socket.last.close(4404);
  assert.deepEqual([other.state, other.end.reason], ["ended", "not_found"]);
});

test("a socket that does not open within ten seconds is given up", () => {
  const { session } = begin();
  mock.timers.tick(10_000);
  assert.equal(Socket.last.readyState, Socket.CLOSED);
  assert.equal(session.state, "reconnecting");
});

test("leaving closes the socket for good; a second session is not touched", () => {
  const { session } = attached();
  const { session: other } = attached();
  session.leave();
  mock.timers.tick(60_000);
  assert.equal(Socket.all.length, 2);
  assert.equal(Socket.all[0].readyState, Socket.CLOSED);
  assert.equal(other.state, "open");
});

test("closing the shell tells the portal over an open connection only", () => {
  const { session } = attached();
  assert.equal(session.closeShell(), true);
  assert.equal(opcodesSent().at(-1), 6);
  const { session: other } = begin();
  assert.equal(other.closeShell(), false);
});

test("frames that are unknown here are passed on", () => {
  const { heard } = attached();
  Socket.last.deliver(message(0x88, { secondsLeft: 5 }));
  const [name, detail] = heard.at(-1);
  assert.deepEqual([name, detail.opcode], ["frame", 0x88]);
});

test("back on the network: a new attempt without waiting", () => {
  attached();
  Socket.last.close(1006);
  window.dispatchEvent(new Event("online"));
  assert.equal(Socket.all.length, 2);
});

test("the watch: silence after a ping is a dead connection, an answer is not", (context) => {
  const clock = context.mock.method(performance, "now", () => Date.now());
  let pings = 0;
  let deaths = 0;
  const watch = new ConnectionWatch(() => (pings += 1), () => (deaths += 1));
  watch.start();
  mock.timers.tick(15_000);
  assert.equal(pings, 1);
  watch.heard();
  mock.timers.tick(15_000);
  mock.timers.tick(15_000);
  assert.deepEqual([pings, deaths], [3, 0], "the second ping is 15 seconds old");
  mock.timers.tick(15_000);
  assert.equal(deaths, 1);
  watch.heard();
  watch.probe();
  mock.timers.tick(4000);
  assert.equal(deaths, 2, "a probe waits four seconds");
  watch.stop();
  mock.timers.tick(60_000);
  assert.equal(deaths, 2);
  clock.mock.restore();
});

test("an INPUT_ACK lets more input go", () => {
  const { session } = attached();
  session.type(new Uint8Array(200_000));
  const { waiting } = session.input;
  assert.ok(waiting > 0);
  const acknowledged = new DataView(new ArrayBuffer(9));
  acknowledged.setUint8(0, 0x86);
  acknowledged.setBigUint64(1, 65_536n);
  Socket.last.deliver(acknowledged.buffer);
  assert.ok(session.input.waiting < waiting);
});

test("a NOTICE is told", () => {
  const { heard } = attached();
  Socket.last.deliver(Uint8Array.from([0x83, ...encoder.encode("Going down.")]).buffer);
  assert.deepEqual(heard.at(-1), ["notice", "Going down."]);
});

test("an idle connection is pinged, and given up when no PONG comes", (context) => {
  context.mock.method(performance, "now", () => Date.now());
  const { session } = attached();
  mock.timers.tick(15_000);
  assert.deepEqual([...Socket.last.sent.at(-1)], [5]);
  Socket.last.deliver(Uint8Array.of(0x85).buffer);
  for (let count = 0; count < 2; count += 1) mock.timers.tick(15_000);
  assert.equal(session.state, "open", "the last ping is 15 seconds old");
  mock.timers.tick(15_000);
  assert.equal(session.state, "reconnecting");
});

test("a visible page looks whether its open connection is alive", () => {
  const { session } = attached();
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(opcodesSent().at(-1), 5);
  mock.timers.tick(4000);
  assert.equal(session.state, "reconnecting");
});

test("when it tries again is known to the millisecond", () => {
  const { session } = attached();
  Socket.last.close(1006);
  assert.equal(session.retryAt - Date.now(), 1000);
});

test("leaving while it waits to connect again ends the waiting", () => {
  const { session } = attached();
  Socket.last.close(1006);
  session.leave();
  mock.timers.tick(60_000);
  window.dispatchEvent(new Event("online"));
  assert.equal(Socket.all.length, 1);
});

test("trying again at once closes the socket before and waits for no timer", () => {
  const { session } = attached();
  const [first] = Socket.all;
  session.retryNow();
  assert.equal(first.readyState, Socket.CLOSED);
  Socket.last.close(1006);
  session.retryNow();
  mock.timers.tick(2000);
  assert.equal(Socket.all.length, 3);
});
