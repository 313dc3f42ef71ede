/* Keys that a phone's keyboard lacks. Ctrl and Alt: a tap holds them for one key, a second tap until the next tap. */
import { closest, findAll } from "../dom.js";
import { keySequence, withModifiers } from "./key_codes.js";
import { part } from "./kit.js";

const REPEATING = ["up", "down", "left", "right"];
const REPEAT_AFTER_MILLISECONDS = 420;
const REPEAT_MILLISECONDS = 70;

export class KeysBar {
  /** @type {number | undefined} */
  repeating = undefined;
  repeated = false;

  /**
   * @param {import("@xterm/xterm").Terminal} terminal
   * @param {(text: string) => void} type sends text to the shell
   */
  constructor(terminal, type) {
    this.terminal = terminal;
    this.type = type;
    this.bar = part("keys");
    this.modifiers = new Map(findAll(this.bar, "[data-modifier]").map((button) => [button.dataset.modifier, button]));
    this.bar.addEventListener("pointerdown", (event) => this.#down(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      this.bar.addEventListener(end, () => this.#stopRepeating());
    }
    this.bar.addEventListener("click", (event) => this.#click(event));
  }

  /**
   * Return what text typed on another keyboard sends with the modifiers that are held here.
   *
   * @param {string} text
   */
  translate(text) {
    const { ctrl, alt } = this.#held();
    if ((!ctrl && !alt) || [...text].length !== 1) return text;
    this.#used();
    return withModifiers(text, { ctrl, alt });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    // The focus stays where it is, so that a phone's keyboard stays up.
    event.preventDefault();
    const key = closest(event, "[data-key]")?.dataset.key ?? "";
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

  /** @param {MouseEvent} event */
  #click(event) {
    const button = closest(event, "button");
    const wasRepeated = this.repeated;
    this.repeated = false;
    if (!button || wasRepeated) return;
    if (button.dataset.modifier) {
      this.#press(button);
      this.terminal.focus(); // the letter that follows needs the keyboard
    } else {
      this.#send(button.dataset.key ?? "");
    }
  }

  /** @param {string} key */
  #send(key) {
    const application = this.terminal.modes.applicationCursorKeysMode;
    this.type(keySequence(key, { ...this.#held(), application }));
    this.#used();
  }

  #held() {
    /** @param {string} name */
    const isHeld = (name) => this.modifiers.get(name)?.getAttribute("aria-pressed") === "true";
    return { ctrl: isHeld("ctrl"), alt: isHeld("alt") };
  }

  /**
   * Go to the next state of a modifier: off, held for one key, locked, off.
   *
   * @param {HTMLElement} button
   */
  #press(button) {
    const isOn = button.getAttribute("aria-pressed") === "true";
    const locks = isOn && !("locked" in button.dataset);
    button.setAttribute("aria-pressed", String(!isOn || locks));
    if (locks) button.dataset.locked = "";
    else delete button.dataset.locked;
  }

  #used() {
    for (const button of this.modifiers.values()) {
      if (!("locked" in button.dataset)) button.setAttribute("aria-pressed", "false");
    }
  }
}
