/* The plot of the page "Usage and cost": what each day cost, while a command ran and idle, as stacked bars. */
import uPlot from "uplot";
import { byId } from "./dom.js";
import { money } from "./money.js";
import "./plot.css";

const HEIGHT = 240;
const NARROWEST = 240;
const DAYS = [1, 2, 7, 14, 28, 91, 364].map((days) => days * 86400);

/** @param {number} seconds */
const dayText = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

/** @typedef {{day: string, busy: string, idle: string, under: string}} Labels */
/** @typedef {{days: string[], busy: number[], idle: number[], currency: string, labels: Labels}} Usage */

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Draw the plot anew, as wide as its place is.
 *
 * @param {HTMLElement} place
 * @param {Usage} usage
 */
function draw(place, usage) {
  const bars = uPlot.paths.bars?.({ size: [0.7, 48], align: 0 });
  const value = (/** @type {uPlot} */ _plot, /** @type {number | null} */ cost) =>
    cost === null ? "" : money(cost, usage.currency, usage.labels.under);
  const font = `12px ${colour("--font-sans")}`;
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { font, stroke: colour("--ink-soft"), grid, ticks: { show: false } };
  const total = usage.busy.map((busy, day) => busy + usage.idle[day]);
  // Stacked: the sum of both is drawn first and the lower part over it. The legend shows the parts themselves.
  place.replaceChildren();
  // Without a day under the pointer the legend only says what the colours are.
  const showValues = (/** @type {uPlot} */ plot) => plot.root.classList.toggle("has-day", typeof plot.cursor.idx === "number");
  return new uPlot(
    {
      width: Math.max(NARROWEST, place.clientWidth),
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      hooks: { init: [showValues], setLegend: [showValues] },
      scales: {
        // Half a day more at both ends, so that the first and the last bar are whole.
        x: { range: (_plot, first, last) => [first - DAYS[0] / 2, last + DAYS[0] / 2] },
        y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.05 : 1] },
      },
      axes: [
        { ...axis, incrs: DAYS, values: (_plot, ticks) => ticks.map((at) => dayText(at).slice(5)) },
        { ...axis, size: 64, values: (_plot, ticks) => ticks.map((cost) => String(Number(cost.toPrecision(4)))) },
      ],
      series: [
        { label: usage.labels.day, value: (_plot, at) => (at ? dayText(at) : "") },
        {
          label: usage.labels.idle,
          fill: colour("--line-strong"),
          paths: bars,
          points: { show: false },
          value: (plot, _cost, _series, index) => value(plot, index === null ? null : usage.idle[index]),
        },
        { label: usage.labels.busy, fill: colour("--brand"), paths: bars, points: { show: false }, value },
      ],
    },
    [usage.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000), total, usage.busy],
    place,
  );
}

const place = document.getElementById("usage-plot");
if (place) {
  /** @type {Usage} */
  const usage = JSON.parse(byId("usage-data").textContent ?? "{}");
  let plot = draw(place, usage);
  addEventListener("resize", () => plot.setSize({ width: Math.max(NARROWEST, place.clientWidth), height: HEIGHT }));
  // The theme has other colours.
  new MutationObserver(() => {
    plot.destroy();
    plot = draw(place, usage);
  }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}
