/* What the job has cost so far, counted on every second until the next state arrives from the portal. */
import { money } from "../money.js";

/** Since when each element is on the page. The computer's clock may differ from the portal's. */
const shownSince = new WeakMap();

/** Count on. */
function showCosts() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-cost]"))) {
    const { cost, perHour, currency } = element.dataset;
    const since = shownSince.get(element) ?? performance.now();
    shownSince.set(element, since);
    const hours = (performance.now() - since) / 3_600_000;
    const text = money(Number(cost) + Number(perHour) * hours, currency ?? "");
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Count on every second. */
export function startCosts() {
  showCosts();
  setInterval(() => document.hidden || showCosts(), 1000);
}
