/* A screen whose size somebody else chose: letters as large as let all of it into the box, as long as one can read them. */
const SMALLEST = 7;

/** Draw `terminal` with `cols` and `rows`, in letters of at most `largest` pixels; `fitter` knows what would fit. */
export function drawAtSize(terminal, fitter, { cols, rows }, largest) {
  terminal.options.fontSize = largest;
  const fits = fitter.proposeDimensions();
  if (fits?.cols && fits.rows) {
    const share = Math.min(1, fits.cols / cols, fits.rows / rows);
    terminal.options.fontSize = Math.max(SMALLEST, Math.floor(largest * share * 2) / 2);
  }
  if (terminal.cols !== cols || terminal.rows !== rows) terminal.resize(cols, rows);
}
