/* What keys, buttons and menus ask for, by name. */
import { copyText } from "../copy.js";
import { askName, showShortcuts } from "./dialogs.js";
import { download, fileName, scrollbackText } from "./download.js";
import { announce, word } from "./kit.js";
import { preferences } from "./preferences.js";

/** Do it, for the terminal in front of `set` (<headnode-terminals>). */
export async function doAction(set, name) {
  const { front } = set;
  const needsNoShell = { "larger": 1, "smaller": -1, "usual-size": 0 };
  if (name in needsNoShell) return preferences.stepFontSize(needsNoShell[name]);
  if (name === "close-panel") return set.closeAll();
  if (name === "shortcuts") return showShortcuts();
  return front ? ACTIONS[name]?.(set, front) : undefined;
}

const ACTIONS = {
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
