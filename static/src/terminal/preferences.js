/* How a person likes their terminals, kept in this browser and followed by every window of it. */
const KEY = "headnode-terminal";
const DEFAULTS = {
  fontSize: null, // pixels; null: what suits the screen
  colours: "page", // a name of themes.js, or "page": light or dark as the portal is
  screenReader: false,
  bell: true,
  programsMayCopy: "ask", // ask, always, never
};
export const FONT_SIZES = { least: 8, most: 32 };

class Preferences extends EventTarget {
  constructor() {
    super();
    this.values = read();
    window.addEventListener("storage", (event) => {
      if (event.key !== KEY) return;
      this.values = read();
      this.dispatchEvent(new Event("change"));
    });
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values = { ...this.values, [name]: value };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // Storage is off: it holds for this page.
    }
    this.dispatchEvent(new Event("change"));
  }

  /** The size of letters in force. */
  get fontSize() {
    return this.get("fontSize") ?? (window.matchMedia("(max-width: 40rem)").matches ? 12 : 14);
  }

  /** One step larger (1) or smaller (-1); 0: what suits the screen. */
  stepFontSize(step) {
    const { least, most } = FONT_SIZES;
    this.set("fontSize", step ? Math.min(most, Math.max(least, this.fontSize + step)) : null);
  }
}

function read() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    // Storage is off, or not ours: the defaults.
  }
  const known = Object.entries(kept).filter(([name, value]) => name in DEFAULTS && fits(name, value));
  return { ...DEFAULTS, ...Object.fromEntries(known) };
}

function fits(name, value) {
  if (name === "fontSize") return value === null || (value >= FONT_SIZES.least && value <= FONT_SIZES.most);
  return typeof value === typeof DEFAULTS[name];
}

export const preferences = new Preferences();
