/* The terminal's own keys, which neither shells nor browsers use: Alt+Shift with the keys of the navigation block,
 * Ctrl+Shift with the letters that terminal programs on Linux use, Ctrl with the keys that browsers use for size. */

import { MAC } from "./platform.js";

/** @type {Record<string, string>} */
const ALT_SHIFT = {
  PageDown: "next-tab",
  PageUp: "previous-tab",
  Insert: "new-shell",
  Delete: "close-tab",
  Home: "leave-terminal",
  F2: "rename",
};
/** @type {Record<string, string>} */
const CTRL_SHIFT = { KeyC: "copy", KeyV: "native-paste", KeyF: "find" };
/** @type {Record<string, string>} */
const CTRL = {
  Equal: "larger", NumpadAdd: "larger",
  Minus: "smaller", NumpadSubtract: "smaller",
  Digit0: "usual-size", Numpad0: "usual-size",
};

/**
 * Return the action that a key press asks for, or undefined.
 * On a Mac (`mac`) the Command key is used where other systems use Ctrl.
 *
 * @param {Pick<KeyboardEvent, "isComposing" | "ctrlKey" | "shiftKey" | "altKey" | "metaKey" | "code">} event
 */
export function actionOf(event, mac = MAC) {
  if (event.isComposing) return undefined;
  const { ctrlKey, shiftKey, altKey, metaKey, code } = event;
  if (altKey && shiftKey && !ctrlKey && !metaKey) return ALT_SHIFT[code];
  if (ctrlKey && shiftKey && !altKey && !metaKey && code !== "Minus") return CTRL_SHIFT[code] ?? CTRL[code];
  const command = mac ? metaKey && !ctrlKey : ctrlKey && !metaKey;
  if (command && !altKey && !shiftKey) return CTRL[code] ?? (mac && code === "KeyF" ? "find" : undefined);
  return undefined;
}
