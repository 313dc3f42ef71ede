/* Shows in each terminal who is there, whether it is recorded and what one may do; the owner shares it from here. */
import { openShareDialog } from "./dialog.js";
import { word } from "./kit.js";
import { decode, SITUATION } from "./situation.js";

const HINT_MILLISECONDS = 4000;

/** Called once with each <headnode-terminal> when it is built. */
export function attend(terminal) {
  const { indicators } = terminal;
  let situation = null;
  let dialog = null;
  let shown = new Map();

  terminal.addEventListener("headnode:frame", ({ detail }) => {
    if (detail.opcode !== SITUATION) return;
    situation = decode(detail.payload);
    show();
  });
  terminal.addEventListener("headnode:state", () => {
    if (["ended", "refused", "starting"].includes(terminal.dataset.state)) clear();
  });

  function show() {
    const { role, owner, recorded, mayType, cols, rows } = situation;
    const isOwner = role === "owner";
    terminal.dataset.role = role;
    terminal.answers = situation.answers ?? true; // a gateway that was not restarted yet does not say
    terminal.letType(mayType);
    terminal.holdSize(isOwner ? null : { cols, rows });
    const signs = new Map();
    if (recorded) {
      signs.set("recorded", { text: word("recorded"), tone: "bad", title: word("recorded-title") });
    }
    if (!isOwner) {
      const whose = role === "administrator" ? "watching" : "shared-by";
      signs.set("owner", { text: word(whose, { owner }), tone: "note", icon: "user" });
      if (!mayType) signs.set("view-only", { text: word("view-only"), title: word("no-typing", { owner }) });
    }
    for (const person of others()) {
      signs.set(`${person.role}:${person.name}`, { ...describe(person), icon: "user" });
    }
    if (isOwner) {
      signs.set("share", { text: word("share"), icon: "plus", title: word("share-title"), action: open });
    }
    for (const name of shown.keys()) if (!signs.has(name)) indicators.clear(name);
    for (const [name, sign] of signs) set(name, sign);
    shown = new Map([...signs.keys()].map((name) => [name, shown.get(name)]));
    dialog?.refresh();
  }

  // What did not change is left alone: a sign that is a button may have the focus.
  function set(name, sign) {
    const looks = JSON.stringify(sign);
    if (shown.get(name) !== looks) indicators.set(name, sign);
    shown.set(name, looks);
  }

  function clear() {
    for (const name of shown.keys()) indicators.clear(name);
    shown = new Map();
    situation = null;
  }

  function others() {
    return situation.people.filter(({ name, role }) => role !== "owner" && !(name === situation.name && role === situation.role));
  }

  function describe({ name, role, mayType, since, address }) {
    const what = role === "administrator" ? "administrator-watches" : mayType ? "types" : "watches";
    const at = new Date(since).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    const title = word(address ? "since-from" : "since", { who: word(what, { name }), at, address });
    return { text: word(what, { name }), tone: role === "administrator" ? "busy" : mayType ? "good" : "note", title };
  }

  function open() {
    dialog = openShareDialog(
      terminal.session.id,
      () => situation?.people ?? [],
      () => {
        dialog = null;
        terminal.terminal?.focus();
      },
    );
  }

  // Whoever may only watch and presses a key learns why nothing happens.
  terminal.addEventListener(
    "keydown",
    (event) => {
      const types = event.key.length === 1 || event.key === "Enter" || event.key === "Backspace";
      if (!situation || situation.mayType || !types || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!event.target.closest?.(".xterm")) return;
      const { owner } = situation;
      set("view-only", { text: word("no-typing", { owner }), tone: "busy" });
      clearTimeout(terminal.hint);
      terminal.hint = setTimeout(() => situation && show(), HINT_MILLISECONDS);
    },
    { capture: true },
  );
}
