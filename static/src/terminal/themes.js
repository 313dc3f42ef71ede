/* Colours of the terminal: for both looks of the portal, and one with strong contrast. All reach 4.5:1 on their background. */

export const dark = {
  background: "#0b1312",
  foreground: "#dfe8e6",
  cursor: "#5ad1bd",
  cursorAccent: "#0b1312",
  selectionBackground: "#2c5a54",
  selectionInactiveBackground: "#1f3f3b",
  black: "#35433f",
  red: "#f2777a",
  green: "#7fd18b",
  yellow: "#e8c069",
  blue: "#7fb2f0",
  magenta: "#d39ae6",
  cyan: "#5ad1bd",
  white: "#c9d5d2",
  brightBlack: "#8aa09b",
  brightRed: "#ff9a9c",
  brightGreen: "#a3e5ab",
  brightYellow: "#ffdb8f",
  brightBlue: "#a8cdff",
  brightMagenta: "#e6b8f5",
  brightCyan: "#8ae8d9",
  brightWhite: "#ffffff",
};

export const light = {
  background: "#fbfdfc",
  foreground: "#13211f",
  cursor: "#0b6e63",
  cursorAccent: "#fbfdfc",
  selectionBackground: "#bfe3dc",
  selectionInactiveBackground: "#dcebe8",
  black: "#13211f",
  red: "#b3261e",
  green: "#1c6b34",
  yellow: "#7d5500",
  blue: "#1d5394",
  magenta: "#8a2f86",
  cyan: "#0b6a70",
  white: "#5c6b68",
  brightBlack: "#55645f",
  brightRed: "#c8372d",
  brightGreen: "#237a3f",
  brightYellow: "#8f6200",
  brightBlue: "#2764ad",
  brightMagenta: "#9c3f97",
  brightCyan: "#127a80",
  brightWhite: "#3c4a47",
};

/** The strongest contrast, for sunlight, projectors and tired eyes. */
export const contrast = {
  ...dark,
  background: "#000000",
  foreground: "#ffffff",
  cursor: "#ffe14d",
  cursorAccent: "#000000",
  selectionBackground: "#0057d9",
  selectionInactiveBackground: "#003a91",
  black: "#5c5c5c",
  brightBlack: "#b0b0b0",
  white: "#ffffff",
};

/** @type {Record<string, typeof dark>} */
const NAMED = { light, dark, contrast };

/**
 * Return the theme of that name; for "page", the one that suits the look of the portal now.
 *
 * @param {string} name
 */
export function theme(name) {
  const colours = named(name);
  return { ...colours, overviewRulerBorder: colours.background };
}

/** @param {string} name */
function named(name) {
  if (NAMED[name]) return NAMED[name];
  const chosen = document.documentElement.dataset.bsTheme;
  const wantsDark = chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  return wantsDark ? dark : light;
}

/**
 * Return whether a theme is dark, so that what lies on it can be coloured to match.
 *
 * @param {{ background: string }} colours
 */
export const isDark = (colours) => colours.background !== light.background;

/**
 * Return the colours that mark the matches of a search.
 *
 * @param {{ background: string }} colours
 */
export function marks(colours) {
  const on = isDark(colours);
  return {
    matchBackground: on ? "#4a4212" : "#fff0b8",
    matchOverviewRuler: on ? "#c9a93c" : "#b58a00",
    activeMatchBackground: on ? "#8a6d00" : "#ffcf4d",
    activeMatchBorder: on ? "#ffdb8f" : "#7d5500",
    activeMatchColorOverviewRuler: on ? "#ffdb8f" : "#7d5500",
  };
}
