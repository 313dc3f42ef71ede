/* The modes a terminal is in, as the sequence that brings another one there: for a page that is loaded again when the
 * output that set them is not kept any more. They say nothing about what is on the screen. */
const MOUSE = { x10: "?9", vt200: "?1000", drag: "?1002", any: "?1003" };

/** The sequence for the modes of `terminal`. */
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

/** Have a full-screen program draw itself anew: they do for a window of another size. */
export function nudge(session, terminal) {
  setTimeout(() => session.resize(terminal.cols, Math.max(1, terminal.rows - 1)), 200);
  setTimeout(() => session.resize(terminal.cols, terminal.rows), 500);
}

/** Whether `sequence` is one of ours: it comes back from the browser's storage. */
export const isModeSequence = (sequence) => /^(\x1b\[\?\d{1,4}h)*(\x1b=)?$/.test(sequence);
