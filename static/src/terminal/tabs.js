/* The strip of tabs: one per shell, moved through with the arrow keys, closed with Delete. Knows no terminal. */
import { part, word } from "./kit.js";

let lastId = 0;

export class Tabs {
  /** `actions`: {choose(panel), enter(panel), close(panel), rename(panel)}. `panel` is what a tab stands for. */
  constructor(strip, actions) {
    this.strip = strip;
    this.actions = actions;
    strip.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (!tab) return;
      if (event.target.closest("[data-close]")) actions.close(tab.panel);
      else actions.enter(tab.panel);
    });
    strip.addEventListener("auxclick", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab && event.button === 1) actions.close(tab.panel);
    });
    strip.addEventListener("dblclick", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab && !event.target.closest("[data-close]")) actions.rename(tab.panel);
    });
    strip.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The panels in the order of their tabs. */
  get panels() {
    return [...this.strip.children].map((tab) => tab.panel);
  }

  add(panel, name) {
    const tab = part("tab");
    lastId += 1;
    tab.id = `terminal-tab-${lastId}`;
    panel.id = `terminal-${lastId}`;
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", tab.id);
    tab.panel = panel;
    this.strip.append(tab);
    this.name(panel, name);
  }

  remove(panel) {
    this.#of(panel)?.remove();
  }

  name(panel, name) {
    const tab = this.#of(panel);
    panel.tabName = name;
    tab.querySelector("[data-name]").textContent = name;
    tab.title = panel.shellTitle ? `${name}\n${panel.shellTitle}` : name;
  }

  /** The state of a tab's shell, as a colour and in words. */
  mark(panel, state) {
    const tab = this.#of(panel);
    tab.dataset.state = state;
    tab.querySelector("[data-state-word]").textContent = state === "open" ? "" : word(`tab-${state}`);
  }

  /** Something rang or printed behind. */
  call(panel, what) {
    const tab = this.#of(panel);
    if (tab.getAttribute("aria-selected") !== "true") tab.dataset[what] = "";
  }

  choose(panel) {
    for (const tab of this.strip.children) {
      const chosen = tab.panel === panel;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (!chosen) continue;
      delete tab.dataset.rang;
      tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  focus() {
    this.strip.querySelector("[aria-selected=true]")?.focus();
  }

  #of(panel) {
    return [...this.strip.children].find((tab) => tab.panel === panel);
  }

  #key(event) {
    const tab = event.target.closest("[role=tab]");
    if (!tab || event.altKey || event.ctrlKey || event.metaKey) return;
    const tabs = [...this.strip.children];
    const at = tabs.indexOf(tab);
    const next = {
      ArrowRight: tabs[(at + 1) % tabs.length],
      ArrowLeft: tabs.at(at - 1),
      Home: tabs[0],
      End: tabs.at(-1),
    }[event.key];
    if (next) {
      this.actions.choose(next.panel);
      next.focus();
    } else if (event.key === "Delete") this.actions.close(tab.panel);
    else if (event.key === "F2") this.actions.rename(tab.panel);
    else if (event.key === "ArrowDown") tab.panel.terminal.focus();
    else return;
    event.preventDefault();
  }
}
