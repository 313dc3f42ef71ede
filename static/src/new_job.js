/* The form follows the chosen core type, and shows the size of the cluster before it is ordered; its estimate comes from the server. */
import { byId, control, find, findAll } from "./dom.js";
import { startInputs } from "./inputs/form_inputs.js";
import { keepForm } from "./kept_forms.js";
import { money } from "./money.js";

/** @typedef {{ cores: number[], price: number, currency: string, memoryMb: number }} Offer */

const form = find(document, "[data-job-form]", HTMLFormElement);
/** @type {Record<string, Offer>} */
const catalogue = JSON.parse(byId("catalogue").textContent ?? "{}");
const cores = find(form, "[data-cores]", HTMLSelectElement);
const summary = find(form, "[data-summary]");
const facts = find(form, "[data-summary-facts]");

/** @returns {Offer | undefined} */
const chosenOffer = () => catalogue[control(form, "core_type").value];

/** @param {number} n @param {string} [one] @param {string} [many] */
const count = (n, one = "", many = "") => (n === 1 ? one : many.replace("%n", new Intl.NumberFormat().format(n)));

/** @param {Offer} offer */
function offerCores({ cores: offered }) {
  const wanted = Number(cores.value);
  const options = offered.map((n) => new Option(String(n), String(n)));
  cores.replaceChildren(...options);
  // Keep the chosen number, or take the nearest one that the new type offers.
  const nearest = offered.reduce((best, n) => (Math.abs(n - wanted) < Math.abs(best - wanted) ? n : best));
  cores.value = String(nearest);
}

function summarise() {
  const chosen = chosenOffer();
  const nodes = Number(control(form, "slots").value);
  const good = chosen && Number.isInteger(nodes) && nodes > 0;
  summary.hidden = facts.hidden = !good;
  if (!chosen || !good) return;
  const total = nodes * Number(cores.value);
  const perHour = total * chosen.price;
  const say = summary.dataset;
  find(summary, "[data-nodes]").textContent = count(nodes, say.nodesOne, say.nodesMany);
  find(summary, "[data-total-cores]").textContent = count(total, say.coresOne, say.coresMany);
  find(summary, "[data-price]").textContent = money(perHour, chosen.currency, (say.under ?? "").replace("%c", chosen.currency));
  find(facts, "[data-memory]").textContent = `${new Intl.NumberFormat().format((total * chosen.memoryMb) / 1000)} GB`;
}

form.addEventListener("input", (event) => {
  const offer = chosenOffer();
  if (offer && event.target instanceof Element && event.target.getAttribute("name") === "core_type") offerCores(offer);
  summarise();
});

keepForm(form);
startInputs(form);

// Send it once: a second press while a submission is slow must not make a second job.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => delete form.dataset.sent);

const first = chosenOffer();
if (first) offerCores(first);
summarise();
findAll(form, "[aria-invalid='true']")[0]?.focus();
