/* Parts and words from <template id="terminal-kit"> (templates/sshgateway/parts/terminal_kit.html).
 *
 * Markup and sentences are written there so that they are translated like those of every other page.
 */
import { closest } from "../dom.js";

/** @template {Element} T @typedef {import("../dom.js").Kind<T>} Kind */

/**
 * Return `{part, word}` of the template with that id.
 *
 * @param {string} id
 */
export function kitOf(id) {
  /** @param {string} kind @param {string} name */
  function find(kind, name) {
    const template = document.getElementById(id);
    const content = template instanceof HTMLTemplateElement ? template.content : null;
    const found = content?.querySelector(`[data-${kind}="${name}"]`);
    if (!found) throw new Error(`There is no ${kind} "${name}" in the template ${id}.`);
    return found;
  }

  /**
   * Return a new copy of the part of that name.
   *
   * @template {Element} [T=HTMLElement]
   * @param {string} name
   * @param {Kind<T>} [kind]
   * @returns {T}
   */
  function part(name, kind = /** @type {any} */ (HTMLElement)) {
    const copy = find("part", name).cloneNode(true);
    if (!(copy instanceof kind)) throw new Error(`The part "${name}" of ${id} is no ${kind.name}.`);
    return copy;
  }

  /**
   * Return the sentence of that name, with `{placeholders}` filled in.
   *
   * @param {string} name
   * @param {Record<string, unknown>} values
   */
  function word(name, values = {}) {
    const sentence = find("word", name).textContent ?? "";
    return sentence.replaceAll(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole));
  }

  return { part, word };
}

export const { part, word } = kitOf("terminal-kit");

/**
 * Return the sentence for a number: "lines" is "lines_one" when there is exactly one.
 *
 * @param {string} name
 * @param {number} number
 */
export function count(name, number) {
  return word(number === 1 ? `${name}_one` : name, { n: number.toLocaleString(document.documentElement.lang) });
}

/**
 * Call `actions[name]` when a `[data-do=name]` below `root` is pressed.
 *
 * @param {HTMLElement} root
 * @param {Record<string, (event: MouseEvent, pressed: HTMLElement) => void>} actions
 */
export function wire(root, actions) {
  root.addEventListener("click", (event) => {
    const pressed = closest(event, "[data-do]");
    if (pressed && root.contains(pressed)) actions[pressed.dataset.do ?? ""]?.(event, pressed);
  });
}

/**
 * Show the icon of that name (of icons.svg) in the <use> below `root`.
 *
 * @param {Element} root
 * @param {string} name
 */
export function chooseIcon(root, name) {
  const use = root.querySelector("use");
  use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, `#${name}`));
}
