/* Whether a program runs in a terminal, and the question before its window is closed. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "./fakes.js";

const { Foreground } = await import("../../static/src/terminal/foreground.js");
const { askBeforeLeaving } = await import("../../static/src/terminal/leaving.js");

function terminalIn({ bracketed = false, screen = "normal" } = {}) {
  const terminal = { modes: { bracketedPasteMode: bracketed }, buffer: { active: { type: screen } }, parser: {} };
  terminal.parser.registerCsiHandler = (_, handle) => {
    terminal.set = (on, ...modes) => {
      if (modes.includes(2004)) terminal.modes.bracketedPasteMode = on;
      return on ? handle(modes) : false;
    };
  };
  return terminal;
}

const UNUSED = { typed: false, usedAt: -Infinity };

test("a program on the whole screen is busy", () => {
  const terminal = terminalIn({ screen: "alternate" });
  assert.equal(new Foreground(terminal).isBusy(UNUSED), true);
});

test("a shell that shows its prompt is not, however much was just typed; while a command runs it is", () => {
  const terminal = terminalIn();
  const foreground = new Foreground(terminal);
  assert.equal(terminal.set(true, 1, 2004), false, "xterm.js handles the mode, too");
  assert.equal(foreground.isBusy({ typed: true, usedAt: 99 }, 100), false);
  terminal.set(false, 2004);
  assert.equal(foreground.isBusy({ typed: true, usedAt: 0 }, 3_600_000), true);
  assert.equal(foreground.isBusy(UNUSED), true, "also in a window that was just opened");
});

test("a shell that tells nothing is busy for ten seconds after it was used", () => {
  const terminal = terminalIn();
  const foreground = new Foreground(terminal);
  assert.equal(foreground.isBusy({ typed: true, usedAt: 1000 }, 10_999), true);
  assert.equal(foreground.isBusy({ typed: true, usedAt: 1000 }, 11_000), false);
  assert.equal(foreground.isBusy({ typed: false, usedAt: 1000 }, 1001), false);
  terminal.set(true, 2004);
  terminal.set(false, 2004);
  foreground.reset();
  assert.equal(foreground.isBusy(UNUSED), false, "another shell");
});

let busy = true;
askBeforeLeaving(() => busy);

/** Fires beforeunload; returns whether the browser would ask. */
function asks() {
  const event = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

beforeEach((context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  busy = true;
});

test("a window is closed without a question unless something runs", () => {
  assert.equal(asks(), true);
  busy = false;
  assert.equal(asks(), false);
});

test("going to another page of the portal is no closing", (context) => {
  let now = 1e9;
  context.mock.method(performance, "now", () => now);
  assert.equal(asks(), true);
  window.dispatchEvent(new Event("submit"));
  assert.equal(asks(), false);
  now += 3000;
  assert.equal(asks(), true);
  const prevented = new Event("submit", { cancelable: true });
  prevented.preventDefault();
  window.dispatchEvent(prevented);
  assert.equal(asks(), true, "htmx sent it; the page stays");
});
