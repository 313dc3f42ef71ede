/* Links in what the shell prints: only http and https, never by a stray click, and never to a place one did not see. */
import { WebLinksAddon } from "@xterm/addon-web-links";
import { part, word } from "./kit.js";

const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);
const LINGER_MILLISECONDS = 6000;

/** Make addresses clickable, those in the text and those a program names (OSC 8). */
export function addLinks(terminal, box) {
  const hint = part("link-hint");
  const anchor = hint.querySelector("a");
  let leaving = 0;

  function point(event, address) {
    if (!isWeb(address)) return;
    clearTimeout(leaving);
    hint.querySelector("[data-how]").textContent = word(isTouch(event) ? "link-tap" : MAC ? "link-cmd" : "link-ctrl");
    anchor.href = address;
    anchor.textContent = address.length > 200 ? `${address.slice(0, 200)}…` : address;
    hint.hidden = false;
    if (!hint.isConnected) box.append(hint);
  }

  function leave(after = 0) {
    clearTimeout(leaving);
    leaving = setTimeout(() => (hint.hidden = true), after);
  }

  function activate(event, address) {
    if (!isWeb(address)) return;
    if (isTouch(event)) {
      point(event, address); // a finger has no modifier key: it presses the address itself
      leave(LINGER_MILLISECONDS);
    } else if (MAC ? event.metaKey : event.ctrlKey) {
      window.open(address, "_blank", "noopener,noreferrer");
    }
  }

  terminal.loadAddon(new WebLinksAddon(activate, { hover: point, leave: () => leave(150) }));
  terminal.options.linkHandler = { activate, hover: point, leave: () => leave(150), allowNonHttpProtocols: false };
}

export function isWeb(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}

const isTouch = (event) => event.pointerType === "touch" || window.matchMedia("(pointer: coarse)").matches;
