/* How shells come to a page: handed over by another window, attached again after a reload, offered, or new. */
import { openSessions } from "./api.js";
import { askFor, giveAway, takeHash } from "./handover.js";
import { word } from "./kit.js";
import { since } from "./since.js";

/** @typedef {import("./terminals.js").HeadnodeTerminals} HeadnodeTerminals */
/** @typedef {import("./api.js").SessionRow} SessionRow */

const MOST_OFFERED = 3;

/**
 * Fill `set` and offer the other shells that are open.
 *
 * @param {HeadnodeTerminals} set
 */
export async function begin(set) {
  const { socket } = set.place;
  if (socket) await visit(set, socket);
  else await beginWithOwnShells(set);
}

/** @param {HeadnodeTerminals} set */
async function beginWithOwnShells(set) {
  giveAway((session) => release(set, session));
  const asked = takeHash();
  const known = set.remembered.read();
  const { createUrl, target } = set.place;
  const open = await openSessions(createUrl, target).catch(() => []); // no response: the new shell will show why
  const byId = new Map(open.map((session) => [session.id, session]));
  const moved = byId.get(asked?.session ?? "");
  if (asked && moved) await takeOver(set, asked, moved);
  for (const tab of known) {
    const row = byId.get(tab.session);
    if (row && row !== moved) await resume(set, tab, row);
  }
  const wanted = set.dataset.open ?? "";
  if (wanted) await set.open(wanted);
  else if (set.panels.length === 0 && set.isPanel) set.dispatchEvent(new Event("headnode:empty"));
  else if (set.panels.length === 0) await set.open();
  const others = open.filter((session) => !set.sessionIds.includes(session.id));
  if (set.front && !asked && !known.length && others.length) offer(set, set.front.banners, others);
}

/**
 * Show somebody else's shell.
 *
 * @param {HeadnodeTerminals} set
 * @param {string} socket
 */
async function visit(set, socket) {
  const terminal = set.add(set.place.node);
  await set.choose(terminal);
  terminal.attach({ id: null, websocketUrl: socket });
}

/**
 * Take a shell over from another window, with what its screen shows.
 *
 * @param {HeadnodeTerminals} set
 * @param {import("./handover.js").Asked} asked
 * @param {SessionRow} row
 */
async function takeOver(set, { session, from, name }, row) {
  const state = await askFor(session, from);
  const terminal = set.add(row.node, { name, size: state });
  terminal.takenUp = true;
  // First drawn at the size of the other window, then fitted to this one.
  if (state) await new Promise((resolve) => terminal.terminal.write(state.text, () => resolve(undefined)));
  await set.choose(terminal);
  terminal.attach(row, { offset: state?.offset ?? 0 });
  set.remember();
}

/**
 * Attach again to a shell that this page had before it was loaded again.
 *
 * @param {HeadnodeTerminals} set
 * @param {import("./remembered.js").Tab} tab
 * @param {SessionRow} row
 */
async function resume(set, tab, row) {
  const terminal = set.add(tab.node, { name: tab.name });
  terminal.takenUp = true;
  if (tab.active || !set.front) await set.choose(terminal);
  terminal.attach(row);
  set.remember();
}

/** @param {HeadnodeTerminals} set @param {string} session */
async function release(set, session) {
  const terminal = set.panels.find((panel) => panel.session?.id === session);
  const state = terminal ? await terminal.release() : null;
  if (terminal && state) set.removeTab(terminal);
  return state;
}

/**
 * Offer shells that are open on another device, or in a window that was just closed.
 *
 * @param {HeadnodeTerminals} set
 * @param {import("./banners.js").Banners} banners
 * @param {SessionRow[]} sessions
 */
function offer(set, banners, sessions) {
  for (const session of sessions.slice(-MOST_OFFERED)) {
    const name = `offer:${session.id}`;
    const sentence = word("still-open", { node: session.node, since: since(session.openedAt) });
    const takeUp = () => {
      banners.remove(name);
      void set.takeUp(session);
    };
    banners.show(name, sentence, { actions: [[word("take-up"), takeUp]] });
  }
}
