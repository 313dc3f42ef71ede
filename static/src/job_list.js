/* The list of jobs follows what happens, without a reload. */
import { closest } from "./dom.js";
import { StateFollower } from "./job_page/state.js";

const EVERY_MS = 10_000;
// The page itself: the same tab, search and order.
const follower = new StateFollower(location.href);

const ask = () => {
  if (document.visibilityState === "visible") follower.changed();
};
// While nothing moves, what may have been submitted elsewhere shows when the person comes back to this window.
setInterval(() => {
  if (document.querySelector("#job-list[data-moving]")) ask();
}, EVERY_MS);
document.addEventListener("visibilitychange", ask);

// Times and amounts with a title lie above the link that covers the row.
document.addEventListener("click", (event) => {
  const titled = closest(event, ".job-table tbody td [title]", HTMLElement);
  titled?.closest("tr")?.querySelector("a")?.click();
});
