/* A row of keys that a phone's keyboard lacks. */
import { words } from "./words.js";

const KEYS = [
  ["Esc", "\x1b"],
  ["Tab", "\t"],
  ["Ctrl", null],
  ["↑", "\x1b[A", "Up"],
  ["↓", "\x1b[B", "Down"],
  ["←", "\x1b[D", "Left"],
  ["→", "\x1b[C", "Right"],
  ["|", "|"],
  ["/", "/"],
  ["-", "-"],
  ["~", "~"],
];

/** Build the row. `type(text)` sends; the answer's `translate(text)` turns a letter after Ctrl into its control. */
export function keyRow(type, focus) {
  const row = document.createElement("div");
  row.className = "hn-keys";
  row.role = "toolbar";
  row.ariaLabel = words.keys;
  let control = null;

  function setControl(on) {
    control.setAttribute("aria-pressed", String(on));
  }

  for (const [label, text, name] of KEYS) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    if (name) button.ariaLabel = name;
    // The keyboard must stay up: the terminal keeps the focus.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      if (text === null) setControl(control.getAttribute("aria-pressed") !== "true");
      else type(text);
      focus();
    });
    if (text === null) control = button;
    row.append(button);
  }
  setControl(false);

  function translate(text) {
    if (control.getAttribute("aria-pressed") !== "true" || text.length !== 1) return text;
    setControl(false);
    const code = text.toUpperCase().charCodeAt(0);
    return code >= 64 && code < 96 ? String.fromCharCode(code - 64) : text;
  }
  return { row, translate };
}
