/* Search in what the terminal shows. */
import { words } from "./words.js";

/** Build the bar; hidden until opened with `open()`. */
export function findBar(search, focus) {
  const bar = document.createElement("form");
  bar.className = "hn-find";
  bar.hidden = true;
  bar.innerHTML = `<input type="search" autocomplete="off" spellcheck="false"><output></output>
    <button type="button" data-to="previous">↑</button><button type="submit">↓</button>
    <button type="button" data-to="close">✕</button>`;
  const field = bar.querySelector("input");
  const found = bar.querySelector("output");
  const [previous, next, close] = bar.querySelectorAll("button");
  field.ariaLabel = field.placeholder = words.find;
  previous.ariaLabel = words.findPrevious;
  next.ariaLabel = words.findNext;
  close.ariaLabel = words.findClose;

  const say = (hit) => (found.textContent = hit || !field.value ? "" : words.notFoundInText);
  const hide = () => {
    bar.hidden = true;
    search.clearDecorations();
    focus();
  };
  field.addEventListener("input", () => say(search.findNext(field.value, { incremental: true })));
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    say(search.findNext(field.value));
  });
  previous.addEventListener("click", () => say(search.findPrevious(field.value)));
  close.addEventListener("click", hide);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      say(search.findPrevious(field.value));
    }
  });
  return {
    bar,
    open() {
      bar.hidden = false;
      field.select();
      field.focus();
    },
  };
}
