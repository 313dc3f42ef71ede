/* Menus that open below their button and stay on the screen. */

/** Open `menu` below `button`, closed again by Escape, by a click elsewhere or by choosing. */
export function openBelow(menu, button) {
  if (menu.matches(":popover-open")) {
    menu.hidePopover();
    return;
  }
  menu.showPopover();
  const { bottom, left, right } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const inside = (at, size, whole) => Math.max(8, Math.min(at, whole - size - 8));
  const start = left + offsetWidth < window.innerWidth ? left : right - offsetWidth;
  menu.style.left = `${inside(start, offsetWidth, window.innerWidth)}px`;
  menu.style.top = `${inside(bottom + 4, offsetHeight, window.innerHeight)}px`;
  menu.querySelector("button, input, a")?.focus();
}

/** Open `menu` where the pointer is. */
export function openAt(menu, x, y) {
  if (menu.matches(":popover-open")) menu.hidePopover();
  menu.showPopover();
  menu.style.left = `${Math.max(4, Math.min(x, window.innerWidth - menu.offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, window.innerHeight - menu.offsetHeight - 4))}px`;
  menu.querySelector("button:not(:disabled)")?.focus();
}

/** Arrow keys move through the buttons of a menu. */
export function moveByArrows(menu) {
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.matches("input")) return;
    const items = [...menu.querySelectorAll("button:not(:disabled)")].filter((item) => item.offsetParent !== null);
    const at = items.indexOf(document.activeElement);
    items[(at + step + items.length) % items.length]?.focus();
    event.preventDefault();
  });
}
