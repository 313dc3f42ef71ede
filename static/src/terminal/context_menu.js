/* The menu under the pointer: copy, paste, find. With Shift held, the browser shows its own menu. */
import { closest, find } from "../dom.js";
import { part, wire } from "./kit.js";
import { moveByArrows, openAt } from "./popover.js";

/**
 * Give `root` its own context menu.
 *
 * @param {HTMLElement} root
 * @param {() => import("./element.js").HeadnodeTerminal | null} front returns the terminal in front
 * @param {(name: string) => void} act does what was chosen
 */
export function addContextMenu(root, front, act) {
  const menu = part("context-menu");
  root.append(menu);
  moveByArrows(menu);
  wire(menu, {
    act: (_, pressed) => {
      menu.hidePopover();
      front()?.terminal.focus();
      act(pressed.dataset.action ?? "");
    },
  });
  root.addEventListener("contextmenu", (event) => {
    const terminal = front()?.terminal;
    if (event.shiftKey || !terminal || !closest(event, ".hn-screen")) return;
    event.preventDefault();
    if (terminal.modes.mouseTrackingMode !== "none") return; // the program on the node gets the click
    find(menu, "[data-action=copy]", HTMLButtonElement).disabled = !terminal.hasSelection();
    openAt(menu, event.clientX, event.clientY);
  });
}
