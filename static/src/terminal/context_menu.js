/* The menu under the pointer: copy, paste, find. With Shift held, the browser's own one comes. */
import { part, wire } from "./kit.js";
import { moveByArrows, openAt } from "./popover.js";

/** Give `root` one; `front()` answers the terminal in front, `act(name)` does what was chosen. */
export function addContextMenu(root, front, act) {
  const menu = part("context-menu");
  root.append(menu);
  moveByArrows(menu);
  wire(menu, {
    act: (_, pressed) => {
      menu.hidePopover();
      front()?.terminal.focus();
      act(pressed.dataset.action);
    },
  });
  root.addEventListener("contextmenu", (event) => {
    if (event.shiftKey || !event.target.closest(".hn-screen")) return;
    event.preventDefault();
    const { terminal } = front();
    if (terminal.modes.mouseTrackingMode !== "none") return; // the program on the node gets the click
    menu.querySelector("[data-action=copy]").disabled = !terminal.hasSelection();
    openAt(menu, event.clientX, event.clientY);
  });
}
