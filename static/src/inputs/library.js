/* The dialog in which a person chooses among the files that they uploaded earlier. */
import { find } from "../dom.js";
import { localTime } from "../times.js";
import { sizeText } from "./rate.js";

/** @typedef {{ id: string, relativePath: string, decryptedSize: number, dateUploaded: string }} StoredFile */

/**
 * @param {HTMLElement} root
 * @param {(files: StoredFile[]) => void} use
 */
export function startLibrary(root, use) {
  const dialog = find(root, "[data-library]", HTMLDialogElement);
  const rows = find(dialog, "[data-found]");
  const template = find(dialog, "[data-found-row]", HTMLTemplateElement);
  const search = find(dialog, "[data-search]", HTMLInputElement);
  const order = find(dialog, "[data-order]", HTMLSelectElement);
  const more = find(dialog, "[data-more]");
  const choose = find(dialog, "[data-use-chosen]", HTMLButtonElement);
  /** @type {Map<string, StoredFile>} */
  const chosen = new Map();
  let page = 1;
  let asked = 0;
  let timer = 0;

  /** @param {StoredFile} file */
  function row(file) {
    const element = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    find(element, "[data-name]").textContent = file.relativePath;
    find(element, "[data-facts]").textContent = `${sizeText(file.decryptedSize)} · ${localTime(new Date(file.dateUploaded))}`;
    const box = find(element, "input", HTMLInputElement);
    box.checked = chosen.has(file.id);
    box.addEventListener("change", () => {
      if (box.checked) chosen.set(file.id, file);
      else chosen.delete(file.id);
      choose.disabled = chosen.size === 0;
    });
    return element;
  }

  /** @param {boolean} [goesOn] */
  async function load(goesOn = false) {
    page = goesOn ? page + 1 : 1;
    asked += 1;
    const mine = asked;
    const query = new URLSearchParams({ uploaded: "true", page: String(page), page_size: "50", ordering: order.value });
    if (search.value.trim()) query.set("search", search.value.trim());
    try {
      const answer = await fetch(`/api/v2/files/?${query}`);
      const found = await answer.json();
      if (mine !== asked) return;
      if (!goesOn) rows.replaceChildren();
      rows.append(...found.results.map(row));
      more.hidden = !found.next;
      find(dialog, "[data-none]").hidden = rows.childElementCount > 0;
      find(dialog, "[data-away]").hidden = true;
    } catch {
      find(dialog, "[data-away]").hidden = false;
    }
  }

  search.addEventListener("input", (event) => {
    event.stopPropagation();
    clearTimeout(timer);
    timer = window.setTimeout(load, 250);
  });
  // A line of the search is no submission of the job.
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  order.addEventListener("input", (event) => {
    event.stopPropagation();
    void load();
  });
  more.addEventListener("click", () => void load(true));
  find(dialog, "[data-close]").addEventListener("click", () => dialog.close());
  choose.addEventListener("click", () => {
    use([...chosen.values()]);
    dialog.close();
  });
  find(root, "[data-choose-earlier]").addEventListener("click", () => {
    chosen.clear();
    choose.disabled = true;
    dialog.showModal();
    void load();
  });
}
