/* Parts and words that a page with terminals brings along in <template id="sharing-kit"> (sshgateway/sharing_kit.html). */

const kit = () => document.getElementById("sharing-kit").content;

/** A fresh copy of the part of that name. */
export function part(name) {
  return kit().querySelector(`[data-part="${name}"]`).cloneNode(true);
}

/** The sentence of that name, with `{placeholders}` filled in. */
export function word(name, values = {}) {
  const found = kit().querySelector(`[data-word="${name}"]`);
  return found.textContent.replaceAll(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}
