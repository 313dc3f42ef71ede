/* The actions of keys, buttons and menus, by name. */
import { copyText } from "../copy.js";
import { announce } from "../dom.js";
import { askName, showShortcuts } from "./dialogs.js";
import { download, fileName, scrollbackText } from "./download.js";
import { word } from "./kit.js";
import { preferences } from "./preferences.js";

/** @typedef {import("./terminals.js").HeadnodeTerminals} HeadnodeTerminals */
/** @typedef {import("./element.js").HeadnodeTerminal} HeadnodeTerminal */

/**
 * Do what was asked for, in `set` or with the terminal in front of it.
 *
 * @param {HeadnodeTerminals} set
 * @param {string} name
 */
export async function doAction(set, name) {
  if (Object.hasOwn(FOR_ALL, name)) await FOR_ALL[name](set);
  else if (set.front && Object.hasOwn(FOR_FRONT, name)) await FOR_FRONT[name](set, set.front);
}

/** @type {Record<string, (set: HeadnodeTerminals) => unknown>} */
const FOR_ALL = {
  "larger": () => preferences.stepFontSize(1),
  "smaller": () => preferences.stepFontSize(-1),
  "usual-size": () => preferences.stepFontSize(0),
  "close-panel": (set) => set.closeAll(),
  "shortcuts": () => showShortcuts(),
};

/** @type {Record<string, (set: HeadnodeTerminals, front: HeadnodeTerminal) => unknown>} */
const FOR_FRONT = {
  "next-tab": (set) => set.step(1),
  "previous-tab": (set) => set.step(-1),
  "new-shell": (set, front) => set.open(front.place.node),
  "close-tab": (set, front) => set.close(front),
  "pop-out": (set, front) => set.popOut(front),
  "leave-terminal": (set) => set.tabs.focus(),
  "rename": async (set, front) => {
    set.rename(front, await askName(front.tabName));
    front.terminal.focus();
  },
  "copy": (_, front) => front.clipboard.copy(),
  "paste": (_, front) => front.clipboard.pasteFromClipboard(),
  "find": (_, front) => front.find.open(front.terminal.getSelection()),
  "select-all": (_, front) => front.terminal.selectAll(),
  "clear": (_, front) => {
    front.terminal.clear();
    front.terminal.focus();
  },
  "copy-all": async (_, front) => {
    const copied = await copyText(scrollbackText(front.terminal));
    announce(word(copied ? "copied" : "not-copied"));
    front.terminal.focus();
  },
  "download": (set, front) => {
    download(scrollbackText(front.terminal), fileName([set.place.name, front.place.node]));
  },
};
