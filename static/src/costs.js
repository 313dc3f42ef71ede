/* On every page: what jobs have cost so far, counted on every second until the next state arrives from the portal. */
import { exactMoney, money } from "./money.js";

/** Since when each element is on the page. The computer's clock may differ from the portal's. */
const shownSince = new WeakMap();

/** Count on. */
function showCosts() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-cost]"))) {
    const { cost, perHour, currency, under } = element.dataset;
    const since = shownSince.get(element) ?? performance.now();
    shownSince.set(element, since);
    const hours = (performance.now() - since) / 3_600_000;
    const amount = Number(cost) + Number(perHour) * hours;
    const text = money(amount, currency ?? "", under ?? "");
    if (element.textContent !== text || element.firstElementChild) element.textContent = text;
    element.title = exactMoney(amount, currency ?? "");
  }
}

/** Count on every second. */
export function startCosts() {
  showCosts();
  setInterval(() => document.hidden || showCosts(), 1000);
}
