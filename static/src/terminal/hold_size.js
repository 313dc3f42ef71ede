/* A terminal whose size is not ours to choose: characters as large as let all of it into the box. */

const SMALLEST = 5;

/** Give `terminal` (opened, with `fitter` loaded) this size ({cols, rows}) in characters of at most `largest` pixels. */
export function holdSize(terminal, fitter, { cols, rows }, largest) {
  const fits = fitter.proposeDimensions();
  if (fits?.cols && fits.rows) {
    const share = Math.min(1, fits.cols / cols, fits.rows / rows);
    const size = Math.max(SMALLEST, Math.floor(largest * share * 2) / 2);
    if (terminal.options.fontSize !== size) terminal.options.fontSize = size;
  }
  if (terminal.cols !== cols || terminal.rows !== rows) terminal.resize(cols, rows);
}
