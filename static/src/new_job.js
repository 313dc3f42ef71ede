/* The form follows the chosen core type, and says what the cluster is and costs before it is ordered. */
const form = document.querySelector("[data-job-form]");
const catalogue = JSON.parse(document.getElementById("catalogue").textContent);
const cores = form.querySelector("[data-cores]");
const summary = form.querySelector("[data-summary]");
const facts = form.querySelector("[data-summary-facts]");

const offer = () => catalogue[form.elements.core_type.value];
const count = (n, one, many) => (n === 1 ? one : many.replace("%n", new Intl.NumberFormat().format(n)));

function money(amount, currency) {
  const digits = amount < 1 ? 3 : 2;
  return new Intl.NumberFormat(undefined, { style: "currency", currency, maximumFractionDigits: digits }).format(amount);
}

function offerCores() {
  const { cores: offered } = offer();
  const wanted = Number(cores.value);
  const options = offered.map((n) => new Option(String(n), String(n)));
  cores.replaceChildren(...options);
  // Keep what was chosen; else the nearest the new type has.
  const nearest = offered.reduce((best, n) => (Math.abs(n - wanted) < Math.abs(best - wanted) ? n : best));
  cores.value = String(nearest);
}

function summarise() {
  const chosen = offer();
  const nodes = Number(form.elements.slots.value);
  const hours = Number(form.elements.walltime.value);
  const good = chosen && Number.isInteger(nodes) && nodes > 0;
  summary.hidden = facts.hidden = !good;
  if (!good) return;
  const total = nodes * Number(cores.value);
  const perHour = total * chosen.price;
  const say = summary.dataset;
  summary.querySelector("[data-nodes]").textContent = count(nodes, say.nodesOne, say.nodesMany);
  summary.querySelector("[data-total-cores]").textContent = count(total, say.coresOne, say.coresMany);
  summary.querySelector("[data-price]").textContent = money(perHour, chosen.currency);
  facts.querySelector("[data-memory]").textContent = `${new Intl.NumberFormat().format((total * chosen.memoryMb) / 1000)} GB`;
  facts.querySelector("[data-most]").textContent = hours > 0 ? money(perHour * hours, chosen.currency) : "–";
}

form.addEventListener("input", (event) => {
  if (event.target.name === "core_type") offerCores();
  summarise();
});

// Once is enough: the second press of a slow submission must not make a second job.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => delete form.dataset.sent);

if (offer()) offerCores();
summarise();
form.querySelector("[aria-invalid='true']")?.focus();
