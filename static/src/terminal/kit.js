/* Parts and words that the page brings along in <template id="terminal-kit"> (templates/sshgateway/terminal_kit.html).
 *
 * Markup and sentences live there so that they are translated like every other page's.
 */

/** What the template of that id holds: {part, word}. */
export function kitOf(id) {
  function find(kind, name) {
    const found = document.getElementById(id)?.content.querySelector(`[data-${kind}="${name}"]`);
    if (!found) throw new Error(`There is no ${kind} "${name}" in ${id}: the page includes sshgateway/terminal_kit.html.`);
    return found;
  }

  return {
    part: (name) => find("part", name).cloneNode(true),
    word: (name, values = {}) =>
      find("word", name).textContent.replaceAll(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole),
  };
}

/** A fresh copy of the part of that name; the sentence of that name, with `{placeholders}` filled in. */
export const { part, word } = kitOf("terminal-kit");

/** The word for one or for several: "lines" looks for "lines_one" when there is exactly one. */
export function count(name, number) {
  return word(number === 1 ? `${name}_one` : name, { n: number.toLocaleString(document.documentElement.lang) });
}

/** What to call when a `[data-do]` of `root` is pressed: `{name: action}`. */
export function wire(root, actions) {
  root.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("[data-do]");
    if (pressed && root.contains(pressed)) actions[pressed.dataset.do]?.(event, pressed);
  });
}

/** Say something to people who do not see the page. */
export function announce(sentence) {
  document.getElementById("announcer")?.replaceChildren(sentence);
}
