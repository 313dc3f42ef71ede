/* Keys that a phone's keyboard lacks. Ctrl and Alt stick: a tap holds them for one key, a second tap until the next. */
import { keySequence, withModifiers } from "./key_codes.js";
import { part } from "./kit.js";

const REPEATING = ["up", "down", "left", "right"];
const REPEAT_AFTER_MILLISECONDS = 420;
const REPEAT_MILLISECONDS = 70;

export class KeysBar {
  /** `type(text)` sends, `terminal` tells which cursor keys the program wants. */
  constructor(terminal, type) {
    this.terminal = terminal;
    this.type = type;
    this.bar = part("keys");
    this.modifiers = Object.fromEntries(
      [...this.bar.querySelectorAll("[data-modifier]")].map((button) => [button.dataset.modifier, button]),
    );
    this.bar.addEventListener("pointerdown", (event) => this.#down(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      this.bar.addEventListener(end, () => this.#stopRepeating());
    }
    this.bar.addEventListener("click", (event) => this.#click(event));
  }

  /** What was typed on the other keyboard, with the modifiers that are held here. */
  translate(text) {
    const { ctrl, alt } = this.#held();
    if ((!ctrl && !alt) || [...text].length !== 1) return text;
    this.#used();
    return withModifiers(text, { ctrl, alt });
  }

  #down(event) {
    // Whoever has the focus keeps it: that is what keeps a phone's keyboard up.
    event.preventDefault();
    const key = event.target.closest?.("[data-key]")?.dataset.key;
    if (!REPEATING.includes(key)) return;
    this.repeating = setTimeout(() => {
      this.repeated = true;
      this.repeating = setInterval(() => this.#send(key), REPEAT_MILLISECONDS);
    }, REPEAT_AFTER_MILLISECONDS);
  }

  #stopRepeating() {
    clearTimeout(this.repeating);
    clearInterval(this.repeating);
  }

  #click(event) {
    const button = event.target.closest("button");
    const wasRepeated = this.repeated;
    this.repeated = false;
    if (!button || wasRepeated) return;
    if (button.dataset.modifier) {
      this.#press(button);
      this.terminal.focus(); // the letter that follows needs the keyboard
    } else {
      this.#send(button.dataset.key);
    }
  }

  #send(key) {
    const application = this.terminal.modes.applicationCursorKeysMode;
    this.type(keySequence(key, { ...this.#held(), application }));
    this.#used();
  }

  #held() {
    const isHeld = (name) => this.modifiers[name].getAttribute("aria-pressed") === "true";
    return { ctrl: isHeld("ctrl"), alt: isHeld("alt") };
  }

  // Off, for one key, locked, off.
  #press(button) {
    const isOn = button.getAttribute("aria-pressed") === "true";
    const locks = isOn && !("locked" in button.dataset);
    button.setAttribute("aria-pressed", String(!isOn || locks));
    if (locks) button.dataset.locked = "";
    else delete button.dataset.locked;
  }

  #used() {
    for (const button of Object.values(this.modifiers)) {
      if (!("locked" in button.dataset)) button.setAttribute("aria-pressed", "false");
    }
  }
}
