/* The keys that are ours. No shell and no browser listens to them: Alt+Shift with the keys of the navigation block,
 * Ctrl+Shift with the letters every terminal program on Linux uses, Ctrl with those every browser uses for size. */

const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);

const ALT_SHIFT = {
  PageDown: "next-tab",
  PageUp: "previous-tab",
  Insert: "new-shell",
  Delete: "close-tab",
  Home: "leave-terminal",
  F2: "rename",
};
const CTRL_SHIFT = { KeyC: "copy", KeyV: "native-paste", KeyF: "find" };
const CTRL = {
  Equal: "larger", NumpadAdd: "larger",
  Minus: "smaller", NumpadSubtract: "smaller",
  Digit0: "usual-size", Numpad0: "usual-size",
};

/** The action a keydown asks for, or undefined. */
export function actionOf(event) {
  if (event.isComposing) return undefined;
  const { ctrlKey, shiftKey, altKey, metaKey, code } = event;
  if (altKey && shiftKey && !ctrlKey && !metaKey) return ALT_SHIFT[code];
  if (ctrlKey && shiftKey && !altKey && !metaKey && code !== "Minus") return CTRL_SHIFT[code] ?? CTRL[code];
  const command = MAC ? metaKey && !ctrlKey : ctrlKey && !metaKey;
  if (command && !altKey && !shiftKey) return CTRL[code] ?? (MAC && code === "KeyF" ? "find" : undefined);
  return undefined;
}
