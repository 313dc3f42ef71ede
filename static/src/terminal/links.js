/* Links in the output: only http and https, opened with a modifier key, after the address was shown. */
import { WebLinksAddon } from "@xterm/addon-web-links";
import { find } from "../dom.js";
import { isWeb } from "./web_address.js";
import { part, word } from "./kit.js";
import { MAC } from "./platform.js";

const LINGER_MILLISECONDS = 6000;

/**
 * Make addresses clickable: those in the text and those that a program sets (OSC 8).
 *
 * @param {import("@xterm/xterm").Terminal} terminal
 * @param {HTMLElement} box
 */
export function addLinks(terminal, box) {
  const hint = part("link-hint");
  const anchor = find(hint, "a", HTMLAnchorElement);
  let leaving = 0;

  /** @param {MouseEvent} event @param {string} address */
  function point(event, address) {
    if (!isWeb(address)) return;
    clearTimeout(leaving);
    find(hint, "[data-how]").textContent = word(isTouch(event) ? "link-tap" : MAC ? "link-cmd" : "link-ctrl");
    anchor.href = address;
    anchor.textContent = address.length > 200 ? `${address.slice(0, 200)}…` : address;
    hint.hidden = false;
    if (!hint.isConnected) box.append(hint);
  }

  function leave(after = 0) {
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      hint.hidden = true;
    }, after);
  }

  /** @param {MouseEvent} event @param {string} address */
  function activate(event, address) {
    if (!isWeb(address)) return;
    if (isTouch(event)) {
      point(event, address); // touch has no modifier key: the person presses the address that is shown
      leave(LINGER_MILLISECONDS);
    } else if (MAC ? event.metaKey : event.ctrlKey) {
      window.open(address, "_blank", "noopener,noreferrer");
    }
  }

  terminal.loadAddon(new WebLinksAddon(activate, { hover: point, leave: () => leave(150) }));
  terminal.options.linkHandler = { activate, hover: point, leave: () => leave(150), allowNonHttpProtocols: false };
}

/** @param {MouseEvent | PointerEvent} event */
const isTouch = (event) =>
  ("pointerType" in event && event.pointerType === "touch") || window.matchMedia("(pointer: coarse)").matches;
