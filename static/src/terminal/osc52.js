/* Programs on the node may put text on the clipboard (OSC 52: tmux, vim, ...) if the person agrees. They cannot read it. */
import { copyText } from "../copy.js";
import { announce } from "../dom.js";
import { count, word } from "./kit.js";
import { clipboardText } from "./osc52_data.js";
import { plain } from "./plain.js";
import { preferences } from "./preferences.js";

/** @typedef {import("./banners.js").Banners} Banners */

/**
 * Handle OSC 52. Output for which `isOld()` is true was shown before and is ignored.
 *
 * @param {import("@xterm/xterm").Terminal} terminal
 * @param {Banners} banners asks the person
 * @param {() => boolean} isOld
 */
export function letProgramsCopy(terminal, banners, isOld) {
  terminal.parser.registerOscHandler(52, (data) => {
    const text = clipboardText(data);
    const choice = preferences.get("programsMayCopy");
    if (text && choice !== "never" && !isOld()) void (choice === "always" ? put(text, banners) : ask(text, banners));
    return true; // also for a query of the clipboard ("?"), which gets no reply
  });
}

/** @param {string} text @param {Banners} banners */
async function put(text, banners) {
  // A browser may refuse without a key or click just before; then the person's click on the banner does it.
  if (await copyText(text)) announce(word("copied"));
  else ask(text, banners);
}

/** @param {string} text @param {Banners} banners */
function ask(text, banners) {
  /** @param {"always" | "never" | ""} choice */
  const choose = (choice) => () => {
    if (choice) preferences.set("programsMayCopy", choice);
    banners.remove("copy");
    if (choice !== "never") void copyText(text).then((copied) => announce(word(copied ? "copied" : "not-copied")));
  };
  banners.show("copy", word("program-copies", { n: count("characters", text.length), text: plain(text, 60) }), {
    actions: [
      [word("allow-once"), choose("")],
      [word("allow-always"), choose("always")],
      [word("never"), choose("never")],
    ],
  });
}
