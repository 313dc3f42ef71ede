/* The modes of a terminal as a sequence that sets them: for a page that is loaded again when the output that set them is
 * no longer kept. They contain nothing of what is on the screen. */

/** @type {Record<string, string>} */
const MOUSE = { x10: "?9", vt200: "?1000", drag: "?1002", any: "?1003" };

/**
 * Return the sequence that sets the modes of `terminal`.
 *
 * @param {Pick<import("@xterm/xterm").Terminal, "modes" | "buffer">} terminal
 */
export function modeSequence(terminal) {
  const { modes } = terminal;
  const set = [
    terminal.buffer.active.type === "alternate" && "?1049",
    modes.applicationCursorKeysMode && "?1",
    modes.bracketedPasteMode && "?2004",
    modes.sendFocusMode && "?1004",
    MOUSE[modes.mouseTrackingMode],
    MOUSE[modes.mouseTrackingMode] && "?1006",
  ].filter(Boolean);
  const keypad = modes.applicationKeypadMode ? "\x1b=" : "";
  return set.map((mode) => `\x1b[${mode}h`).join("") + keypad;
}

/**
 * Make a full-screen program draw itself again, by changing the size of its window for a moment.
 *
 * @param {import("./session.js").Session} session
 * @param {import("./session.js").Size} terminal
 */
export function nudge(session, terminal) {
  setTimeout(() => session.resize(terminal.cols, Math.max(1, terminal.rows - 1)), 200);
  setTimeout(() => session.resize(terminal.cols, terminal.rows), 500);
}

/**
 * Return whether `modeSequence` may have made `sequence`, which comes from the browser's storage.
 *
 * @param {string} sequence
 */
export const isModeSequence = (sequence) => /^(\x1b\[\?\d{1,4}h)*(\x1b=)?$/.test(sequence);
