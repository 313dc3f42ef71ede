/* How a person likes their terminals, kept in this browser and followed by every window of it. */
const KEY = "headnode-terminal";

/**
 * @typedef {object} Values
 * @property {number | null} fontSize in pixels; null: what suits the screen
 * @property {string} colours a name of themes.js, or "page": light or dark like the portal
 * @property {boolean} screenReader
 * @property {boolean} bell
 * @property {string} programsMayCopy ask, always or never
 * @property {boolean} optionIsMeta on a Mac, Option sends Esc before a key instead of typing its other character
 */

/** @type {Values} */
const DEFAULTS = {
  fontSize: null,
  colours: "page",
  screenReader: false,
  bell: true,
  programsMayCopy: "ask",
  optionIsMeta: false,
};
export const FONT_SIZES = { least: 8, most: 32 };

class Preferences extends EventTarget {
  constructor() {
    super();
    this.values = stored();
    window.addEventListener("storage", (event) => {
      if (event.key !== KEY) return;
      this.values = stored();
      this.dispatchEvent(new Event("change"));
    });
  }

  /**
   * @template {keyof Values} K
   * @param {K} name
   * @returns {Values[K]}
   */
  get(name) {
    return this.values[name];
  }

  /** @param {keyof Values} name @param {Values[keyof Values]} value */
  set(name, value) {
    this.values = { ...this.values, [name]: value };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // Storage is off: the value applies to this page only.
    }
    this.dispatchEvent(new Event("change"));
  }

  /** The size of letters in force. */
  get fontSize() {
    return this.get("fontSize") ?? (window.matchMedia("(max-width: 40rem)").matches ? 12 : 14);
  }

  /**
   * Make letters one step larger (1) or smaller (-1), or go back to the size that suits the screen (0).
   *
   * @param {-1 | 0 | 1} step
   */
  stepFontSize(step) {
    const { least, most } = FONT_SIZES;
    this.set("fontSize", step ? Math.min(most, Math.max(least, this.fontSize + step)) : null);
  }
}

function stored() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY) ?? "null") ?? {};
  } catch {
    // Storage is off, or holds something else: use the defaults.
  }
  const known = Object.entries(kept).filter(([name, value]) => fits(name, value));
  return { ...DEFAULTS, ...Object.fromEntries(known) };
}

/**
 * Return whether a stored value is one of the preference of that name.
 *
 * @param {string} name
 * @param {unknown} value
 */
export function fits(name, value) {
  if (!Object.hasOwn(DEFAULTS, name)) return false;
  if (name !== "fontSize") return typeof value === typeof DEFAULTS[/** @type {keyof Values} */ (name)];
  return value === null || (typeof value === "number" && value >= FONT_SIZES.least && value <= FONT_SIZES.most);
}

export const preferences = new Preferences();
