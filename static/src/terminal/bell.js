/* The bell is seen, not heard: a short frame around the screen, and a mark on the tab of a shell behind. */
import { preferences } from "./preferences.js";

const FLASH_MILLISECONDS = 300;

/** Have `element` (<headnode-terminal>) ring; what comes while `isOld()` rang before. */
export function addBell(element, isOld) {
  element.terminal.onBell(() => {
    if (isOld() || !preferences.get("bell")) return;
    element.emit("headnode:bell");
    element.classList.remove("is-ringing");
    void element.offsetWidth; // the flash begins anew
    element.classList.add("is-ringing");
    setTimeout(() => element.classList.remove("is-ringing"), FLASH_MILLISECONDS);
  });
}
