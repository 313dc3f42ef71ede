/* How shells come to a page: handed over by another window, taken up again after a reload, offered, or new. */
import { openSessions } from "./api.js";
import { askFor, giveAway, takeHash } from "./handover.js";
import { word } from "./kit.js";
import { since } from "./since.js";

const OFFERED = 3;

/** Fill `set` (<headnode-terminals>) and offer what else is open. */
export async function begin(set) {
  if (set.place.socket) return visit(set);
  giveAway((session) => release(set, session));
  const asked = takeHash();
  const known = set.remembered.read();
  const { createUrl, target } = set.place;
  const open = await openSessions(createUrl, target).catch(() => []); // no answer: the new shell will say why
  const byId = new Map(open.map((session) => [session.id, session]));
  if (asked && byId.has(asked.session)) await takeOver(set, asked, byId.get(asked.session));
  for (const tab of known) {
    if (byId.has(tab.session) && tab.session !== asked?.session) await resume(set, tab, byId.get(tab.session));
  }
  const wanted = set.dataset.open ?? "";
  if (wanted) await set.open(wanted);
  else if (set.panels.length === 0 && set.isPanel) set.dispatchEvent(new Event("headnode:empty"));
  else if (set.panels.length === 0) await set.open();
  const others = open.filter((session) => !set.sessionIds.includes(session.id));
  if (set.front && !asked && !known.length && others.length) offer(set, others);
}

async function visit(set) {
  const terminal = set.add(set.place.node);
  await set.choose(terminal);
  terminal.attach({ id: null, websocketUrl: set.place.socket });
}

async function takeOver(set, { session, from, name }, row) {
  const state = await askFor(session, from);
  const terminal = set.add(row.node, { name, size: state });
  terminal.takenUp = true;
  // Drawn at the size it was drawn at before; then it is fitted to this window.
  if (state) await new Promise((drawn) => terminal.terminal.write(state.text, drawn));
  await set.choose(terminal);
  terminal.attach(row, { offset: state?.offset ?? 0 });
  set.remember();
}

async function resume(set, tab, row) {
  const terminal = set.add(tab.node, { name: tab.name });
  terminal.takenUp = true;
  if (tab.active || !set.front) await set.choose(terminal);
  terminal.attach(row, { modes: tab.modes });
  set.remember();
}

async function release(set, session) {
  const terminal = set.panels.find((panel) => panel.session?.id === session);
  const state = terminal ? await terminal.release() : null;
  if (state) set.remove(terminal);
  return state;
}

// A shell on another device, or in a window that was closed a moment ago.
function offer(set, sessions) {
  const { banners } = set.front;
  for (const session of sessions.slice(-OFFERED)) {
    const name = `offer:${session.id}`;
    const sentence = word("still-open", { node: session.node, since: since(session.openedAt) });
    const takeUp = () => {
      banners.remove(name);
      void set.takeUp(session);
    };
    banners.show(name, sentence, { actions: [[word("take-up"), takeUp]] });
  }
}
