/* A screen whose size somebody else chose: the letters are made so small that all of it fits, but stay readable. */
const SMALLEST = 7;

/**
 * Draw a terminal with a given size.
 *
 * @param {import("@xterm/xterm").Terminal} terminal
 * @param {import("@xterm/addon-fit").FitAddon} fitter
 * @param {import("./session.js").Size} size
 * @param {number} largest size of the letters in pixels
 */
export function drawAtSize(terminal, fitter, { cols, rows }, largest) {
  terminal.options.fontSize = largest;
  const fits = fitter.proposeDimensions();
  if (fits?.cols && fits.rows) {
    const share = Math.min(1, fits.cols / cols, fits.rows / rows);
    terminal.options.fontSize = Math.max(SMALLEST, Math.floor(largest * share * 2) / 2);
  }
  if (terminal.cols !== cols || terminal.rows !== rows) terminal.resize(cols, rows);
}
