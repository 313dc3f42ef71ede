/* Parts and words that the page brings along in <template id="terminal-kit"> (templates/sshgateway/terminal_kit.html).
 *
 * Markup and sentences live there so that they are translated like every other page's.
 */

function kit() {
  const template = document.getElementById("terminal-kit");
  if (!template) throw new Error("A page with terminals includes sshgateway/terminal_kit.html.");
  return template.content;
}

/** A fresh copy of the part of that name. */
export function part(name) {
  return kit().querySelector(`[data-part="${name}"]`).cloneNode(true);
}

/** The sentence of that name, with `{placeholders}` filled in. */
export function word(name, values = {}) {
  const found = kit().querySelector(`[data-word="${name}"]`);
  if (!found) throw new Error(`There is no word "${name}" in the terminal's kit.`);
  return found.textContent.replaceAll(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

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
