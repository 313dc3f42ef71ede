/* Whether somebody uses the page. A look into a folder on a node counts as use of the cluster, so a page that is only
   open must not go on looking by itself: it would keep the cluster for ever. */

export const RESTS_AFTER_MS = 60_000;
const ACTS = ["pointerdown", "keydown", "wheel"];

export class Attention {
  /**
   * @param {EventTarget} page
   * @param {() => void} back called when somebody uses the page again
   * @param {() => number} now in milliseconds
   */
  constructor(page, back, now = () => performance.now()) {
    this.now = now;
    this.last = now();
    const note = () => {
      const rested = !this.isThere;
      this.last = now();
      if (rested) back();
    };
    // In the capturing phase: parts of the page keep some events to themselves.
    for (const act of ACTS) page.addEventListener(act, note, { capture: true, passive: true });
  }

  get isThere() {
    return this.now() - this.last < RESTS_AFTER_MS;
  }
}
