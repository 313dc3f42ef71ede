/* Shows the bell, silently: a short frame around the screen, and a mark on the tab if it is not in front. */
import { preferences } from "./preferences.js";

const FLASH_MILLISECONDS = 300;

/**
 * Show the bell of a terminal. Output for which `isOld()` is true was shown before and does not ring.
 *
 * @param {import("./element.js").HeadnodeTerminal} element
 * @param {() => boolean} isOld
 */
export function addBell(element, isOld) {
  element.terminal.onBell(() => {
    if (isOld() || !preferences.get("bell")) return;
    element.emit("headnode:bell");
    element.classList.remove("is-ringing");
    void element.offsetWidth; // restart the animation
    element.classList.add("is-ringing");
    setTimeout(() => element.classList.remove("is-ringing"), FLASH_MILLISECONDS);
  });
}
