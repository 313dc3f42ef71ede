/* The strip of tabs, one for each shell. Arrow keys move through it, Delete closes a tab. */
import { closest, find, findAll } from "../dom.js";
import { part, word } from "./kit.js";

/** @typedef {import("./element.js").HeadnodeTerminal} Panel what a tab stands for */

/** @type {WeakMap<Element, Panel>} */
const panels = new WeakMap();
let lastId = 0;

export class Tabs {
  /**
   * @param {HTMLElement} strip
   * @param {Record<"choose" | "enter" | "close" | "rename", (panel: Panel) => unknown>} actions
   */
  constructor(strip, actions) {
    this.strip = strip;
    this.actions = actions;
    strip.addEventListener("click", (event) => {
      const panel = panelAt(event);
      if (!panel) return;
      if (closest(event, "[data-close]")) actions.close(panel);
      else actions.enter(panel);
    });
    strip.addEventListener("auxclick", (event) => {
      const panel = panelAt(event);
      if (panel && event.button === 1) actions.close(panel);
    });
    strip.addEventListener("dblclick", (event) => {
      const panel = panelAt(event);
      if (panel && !closest(event, "[data-close]")) actions.rename(panel);
    });
    strip.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The panels in the order of their tabs. */
  get panels() {
    return this.#tabs().flatMap((tab) => panels.get(tab) ?? []);
  }

  /** @param {Panel} panel @param {string} name */
  add(panel, name) {
    const tab = part("tab");
    lastId += 1;
    tab.id = `terminal-tab-${lastId}`;
    panel.id = `terminal-${lastId}`;
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", tab.id);
    panels.set(tab, panel);
    this.strip.append(tab);
    this.name(panel, name);
  }

  /** @param {Panel} panel */
  remove(panel) {
    this.#tabOf(panel)?.remove();
  }

  /** @param {Panel} panel @param {string} name */
  name(panel, name) {
    const tab = this.#tabOf(panel);
    panel.tabName = name;
    if (!tab) return;
    find(tab, "[data-name]").textContent = name;
    tab.title = panel.shellTitle ? `${name}\n${panel.shellTitle}` : name;
  }

  /**
   * Show the state of a tab's shell, as a colour and in words.
   *
   * @param {Panel} panel
   * @param {string} state
   */
  mark(panel, state) {
    const tab = this.#tabOf(panel);
    if (!tab) return;
    tab.dataset.state = state;
    find(tab, "[data-state-word]").textContent = state === "open" ? "" : word(`tab-${state}`);
  }

  /**
   * Mark a tab whose shell rang while it was not in front.
   *
   * @param {Panel} panel
   */
  ring(panel) {
    const tab = this.#tabOf(panel);
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.dataset.rang = "";
  }

  /** @param {Panel} panel */
  choose(panel) {
    for (const tab of this.#tabs()) {
      const chosen = panels.get(tab) === panel;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (!chosen) continue;
      delete tab.dataset.rang;
      tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  focus() {
    findAll(this.strip, "[aria-selected=true]")[0]?.focus();
  }

  #tabs() {
    return findAll(this.strip, ":scope > *");
  }

  /** @param {Panel} panel */
  #tabOf(panel) {
    return this.#tabs().find((tab) => panels.get(tab) === panel);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const tab = closest(event, "[role=tab]");
    const panel = tab && panels.get(tab);
    if (!panel || event.altKey || event.ctrlKey || event.metaKey) return;
    const tabs = this.#tabs();
    const next = tabs.at(nextIndex(event.key, tabs.indexOf(tab), tabs.length) ?? tabs.length);
    const nextPanel = next && panels.get(next);
    if (nextPanel) {
      this.actions.choose(nextPanel);
      next.focus();
    } else if (event.key === "Delete") this.actions.close(panel);
    else if (event.key === "F2") this.actions.rename(panel);
    else if (event.key === "ArrowDown") panel.terminal.focus();
    else return;
    event.preventDefault();
  }
}

/** @param {Event} event */
function panelAt(event) {
  const tab = closest(event, "[role=tab]");
  return tab ? panels.get(tab) : undefined;
}

/**
 * Return the index of the tab that a key moves to, or undefined if it does not move.
 *
 * @param {string} key
 * @param {number} at
 * @param {number} length
 */
function nextIndex(key, at, length) {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % length;
    case "ArrowLeft":
      return (at - 1 + length) % length;
    case "Home":
      return 0;
    case "End":
      return length - 1;
    default:
      return undefined;
  }
}
