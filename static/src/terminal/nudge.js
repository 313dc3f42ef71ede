/* Has a full-screen program draw itself again, where a terminal received its output from the middle on. */

/**
 * Change the size of its window for a moment: programs draw everything again then.
 *
 * @param {import("./session.js").Session} session
 * @param {import("./session.js").Size} terminal
 */
export function nudge(session, terminal) {
  setTimeout(() => session.resize(terminal.cols, Math.max(1, terminal.rows - 1)), 200);
  setTimeout(() => session.resize(terminal.cols, terminal.rows), 500);
}
