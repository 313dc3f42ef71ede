/* Colours of the terminal, for both looks of the portal. Every pair reaches 4.5:1 on its background. */
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

/** The theme in force now. */
export function current() {
  const chosen = document.documentElement.dataset.bsTheme;
  const isDark = chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  return isDark ? dark : light;
}
