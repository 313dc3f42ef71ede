/* Menus that open below their button and stay on the screen. */
import { findAll } from "../dom.js";

/**
 * Open `menu` below `button`, or close it if it is open.
 *
 * @param {HTMLElement} menu
 * @param {HTMLElement} button
 */
export function openBelow(menu, button) {
  if (menu.matches(":popover-open")) {
    menu.hidePopover();
    return;
  }
  menu.showPopover();
  const { bottom, left, right } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  /** @param {number} at @param {number} size @param {number} whole */
  const inside = (at, size, whole) => Math.max(8, Math.min(at, whole - size - 8));
  const start = left + offsetWidth < window.innerWidth ? left : right - offsetWidth;
  menu.style.left = `${inside(start, offsetWidth, window.innerWidth)}px`;
  menu.style.top = `${inside(bottom + 4, offsetHeight, window.innerHeight)}px`;
  findAll(menu, "button, input, a")[0]?.focus();
}

/**
 * Open `menu` at the pointer.
 *
 * @param {HTMLElement} menu
 * @param {number} x
 * @param {number} y
 */
export function openAt(menu, x, y) {
  if (menu.matches(":popover-open")) menu.hidePopover();
  menu.showPopover();
  menu.style.left = `${Math.max(4, Math.min(x, window.innerWidth - menu.offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, window.innerHeight - menu.offsetHeight - 4))}px`;
  findAll(menu, "button:not(:disabled)")[0]?.focus();
}

/**
 * Tell assistive technology by `button` whether `menu` is open.
 *
 * @param {HTMLElement} button
 * @param {HTMLElement} menu
 */
export function followExpanded(button, menu) {
  menu.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(/** @type {ToggleEvent} */ (event).newState === "open"));
  });
}

/**
 * Let the arrow keys move through the buttons of a menu.
 *
 * @param {HTMLElement} menu
 */
export function moveByArrows(menu) {
  menu.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step || event.target instanceof HTMLInputElement) return;
    const items = findAll(menu, "button:not(:disabled)").filter((item) => item.offsetParent !== null);
    const at = items.findIndex((item) => item === document.activeElement);
    items[(at + step + items.length) % items.length]?.focus();
    event.preventDefault();
  });
}
