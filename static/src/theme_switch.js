/* The three theme buttons in the user menu. */
import { findAll } from "./dom.js";

export function startThemeSwitch() {
  const root = document.documentElement;
  const buttons = findAll(document, "[data-theme-choice]:is(button)");

  function show() {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.themeChoice));
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      root.dispatchEvent(new CustomEvent("headnode:choose-theme", { detail: button.dataset.themeChoice }));
    });
  }
  root.addEventListener("headnode:theme", show);
  show();
}
