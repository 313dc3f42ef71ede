/* Programs on the node may put text on the clipboard (OSC 52: tmux, vim, ...) when the person agrees. Never read it. */
import { copyText } from "../copy.js";
import { announce, count, word } from "./kit.js";
import { plain } from "./plain.js";
import { preferences } from "./preferences.js";

const MOST_BASE64 = 1_400_000; // a megabyte

/** Listen for it; `banners` asks. What comes while `isOld()` was asked for before. */
export function letProgramsCopy(terminal, banners, isOld) {
  terminal.parser.registerOscHandler(52, (data) => {
    const text = decode(data.slice(data.indexOf(";") + 1));
    const choice = preferences.get("programsMayCopy");
    if (text && choice !== "never" && !isOld()) void (choice === "always" ? put(text, banners) : ask(text, banners));
    return true; // also a question for the clipboard's content ("?"): it gets no answer
  });
}

async function put(text, banners) {
  // Without a key or a click just before, a browser may refuse; then the person's click on the banner does it.
  if (await copyText(text)) announce(word("copied"));
  else ask(text, banners);
}

function ask(text, banners) {
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

function decode(base64) {
  if (base64 === "?" || base64.length > MOST_BASE64) return "";
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0)));
  } catch {
    return "";
  }
}
