/* Shows in each terminal who is present, whether it is recorded and what one may do. The owner opens the Share dialog here. */
import { closest } from "../../dom.js";
import { openShareDialog } from "./dialog.js";
import { word } from "./kit.js";
import { decode, others, PRESENCE } from "./presence.js";

const HINT_MILLISECONDS = 4000;

/** @typedef {import("../indicators.js").Sign} Sign */

/**
 * Called once with each terminal when it is built.
 *
 * @param {import("../element.js").HeadnodeTerminal} terminal
 */
export function showPresence(terminal) {
  const { indicators } = terminal;
  /** @type {import("./presence.js").Presence | null} */
  let presence = null;
  /** @type {{ refresh(): void } | null} */
  let dialog = null;
  /** @type {Map<string, string>} the signs that are shown, as JSON */
  let shown = new Map();
  let hint = 0;

  terminal.addEventListener("headnode:frame", ({ detail }) => {
    if (detail.opcode !== PRESENCE) return;
    presence = decode(detail.payload);
    show(presence);
  });
  terminal.addEventListener("headnode:state", () => {
    if (["ended", "refused", "starting"].includes(terminal.dataset.state ?? "")) clear();
  });

  /** @param {import("./presence.js").Presence} current */
  function show(current) {
    const { role, owner, recorded, mayType, cols, rows } = current;
    const isOwner = role === "owner";
    terminal.dataset.role = role;
    terminal.answers = current.answers ?? true; // an older gateway does not say
    terminal.letType(mayType);
    terminal.holdSize(isOwner ? null : { cols, rows });
    /** @type {Map<string, Sign>} */
    const signs = new Map();
    if (recorded) {
      signs.set("recorded", { text: word("recorded"), tone: "bad", title: word("recorded-title") });
    }
    if (!isOwner) {
      const whose = role === "administrator" ? "watching" : "shared-by";
      signs.set("owner", { text: word(whose, { owner }), tone: "note", icon: "user" });
      if (!mayType) signs.set("view-only", { text: word("view-only"), title: word("no-typing", { owner }) });
    }
    for (const person of others(current)) {
      signs.set(`${person.role}:${person.name}`, { ...describe(person), icon: "user" });
    }
    if (isOwner) {
      signs.set("share", { text: word("share"), icon: "plus", title: word("share-title"), action: open });
    }
    for (const name of shown.keys()) if (!signs.has(name)) indicators.clear(name);
    for (const [name, sign] of signs) set(name, sign);
    shown = new Map([...shown].filter(([name]) => signs.has(name)));
    dialog?.refresh();
  }

  /**
   * Show a sign. One that did not change is left alone: as a button it may have the focus.
   *
   * @param {string} name
   * @param {Sign} sign
   */
  function set(name, sign) {
    const looks = JSON.stringify(sign);
    if (shown.get(name) !== looks) indicators.set(name, sign);
    shown.set(name, looks);
  }

  function clear() {
    for (const name of shown.keys()) indicators.clear(name);
    shown = new Map();
    presence = null;
  }

  /**
   * @param {import("./presence.js").Person} person
   * @returns {Sign}
   */
  function describe({ name, role, mayType, since, address }) {
    const what = role === "administrator" ? "administrator-watches" : mayType ? "types" : "watches";
    const at = new Date(since).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    const title = word(address ? "since-from" : "since", { who: word(what, { name }), at, address });
    return { text: word(what, { name }), tone: role === "administrator" ? "busy" : mayType ? "good" : "note", title };
  }

  function open() {
    const id = terminal.session?.id;
    if (!id) return;
    dialog = openShareDialog(
      id,
      () => presence?.people ?? [],
      () => {
        dialog = null;
        terminal.terminal?.focus();
      },
    );
  }

  // A person who may only watch and presses a key is told why nothing happens.
  terminal.addEventListener(
    "keydown",
    (event) => {
      const types = event.key.length === 1 || event.key === "Enter" || event.key === "Backspace";
      if (!presence || presence.mayType || !types || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!closest(event, ".xterm")) return;
      const { owner } = presence;
      set("view-only", { text: word("no-typing", { owner }), tone: "busy" });
      clearTimeout(hint);
      hint = setTimeout(() => presence && show(presence), HINT_MILLISECONDS);
    },
    { capture: true },
  );
}
