/* Which shells this browser tab has open, so that a page that is loaded again takes them up. Ids, names and modes only:
 * nothing of what was typed or printed is ever stored, and an id opens nothing to anybody but its owner. */
import { isModeSequence } from "./modes.js";

/** For one place: `name` tells the terminals of one page from another's. */
export class Remembered {
  constructor(name) {
    this.key = `headnode-terminals:${name}`;
  }

  /** [{session, node, name, modes, active}], as they stood in the strip. */
  read() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
      return kept
        .filter((tab) => typeof tab.session === "string" && typeof tab.node === "string")
        .map((tab) => ({ ...tab, modes: isModeSequence(tab.modes ?? "") ? tab.modes : "" }));
    } catch {
      return [];
    }
  }

  write(tabs) {
    try {
      if (tabs.length) sessionStorage.setItem(this.key, JSON.stringify(tabs));
      else sessionStorage.removeItem(this.key);
    } catch {
      // Storage is off: a page that is loaded again offers the open shells instead.
    }
  }
}
