/* Remembers the shells of this browser tab, so that a page that is loaded again attaches to them. Only ids and
 * names are stored, nothing that was typed or printed; an id is of use only to its owner. */

/** @typedef {{ session: string, node: string, name: string, active: boolean }} Tab */

export class Remembered {
  /** @param {string} name distinguishes the terminals of one page from those of another */
  constructor(name) {
    this.key = `headnode-terminals:${name}`;
  }

  /**
   * Return the tabs in their order.
   *
   * @returns {Tab[]}
   */
  read() {
    try {
      /** @type {Tab[]} */
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
      return kept.filter((tab) => typeof tab.session === "string" && typeof tab.node === "string");
    } catch {
      return [];
    }
  }

  /** @param {Tab[]} tabs */
  write(tabs) {
    try {
      if (tabs.length) sessionStorage.setItem(this.key, JSON.stringify(tabs));
      else sessionStorage.removeItem(this.key);
    } catch {
      // Storage is off: a page that is loaded again offers the open shells instead.
    }
  }
}
