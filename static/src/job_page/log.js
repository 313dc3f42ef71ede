/* The lines of the Job Log: kept by sequence number, appended in batches, filtered and followed. */
import { announce, find } from "../dom.js";
import { hasControls, render } from "./ansi.js";
import { Chunks } from "./chunks.js";
import { Clock } from "./clock.js";
import { Follow } from "./follow.js";

const MOST_LINES = 20000;
const PAGE = 500;
const WARNINGS = "!"; // the filter "warnings and errors"
const CONNECTION =
  /^Instance ready for ssh access\. Command: ssh -i <\/path\/to\/key> \S+;(?: port: \d+;)? working directory: /;

/** @typedef {import("./events_socket.js").JobEvent} JobEvent */

export class JobLog {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel;
    this.say = panel.dataset;
    this.first = Number(this.say.first);
    this.last = Number(this.say.last);
    /** @type {JobEvent[]} */
    this.waiting = [];
    this.filter = { text: "", source: "" };
    this.clock = new Clock(this.say.began ?? "");
    this.follow = new Follow(panel);
    this.chunks = new Chunks(find(panel, "[data-log-lines]"));
    for (const line of this.chunks.lines) this.#dress(line);
    this.#listen();
    find(panel, "[data-log-tools]").hidden = false;
    this.follow.toEnd();
  }

  /**
   * Add an event. Return false when it is here already.
   *
   * @param {JobEvent} event
   */
  add(event) {
    if (event.sequence <= this.last) return false;
    this.last = event.sequence;
    this.waiting.push(event);
    if (this.waiting.length === 1) {
      // A hidden page gets no frames; a log must not pile up unseen.
      if (document.hidden) setTimeout(() => this.#flush(), 250);
      else requestAnimationFrame(() => this.#flush());
    }
    return true;
  }

  /** @param {"live" | "retrying" | "gone"} state */
  showConnection(state) {
    const mark = find(this.panel, "[data-connection]");
    mark.hidden = false;
    mark.dataset.state = state;
    const texts = { live: this.say.liveText, gone: this.say.goneText, retrying: this.say.retryingText };
    mark.textContent = texts[state] ?? "";
  }

  #flush() {
    const events = this.waiting;
    this.waiting = [];
    this.chunks.append(events.map((event) => this.#line(event)));
    if (this.follow.on && this.chunks.trim(MOST_LINES)) {
      this.first = Number(this.chunks.lines[0].dataset.seq);
      find(this.panel, "[data-log-earlier]").hidden = false;
    }
    find(this.panel, "[data-log-empty]").hidden = true;
    if (this.#isFiltered()) this.#sayNone(this.chunks.lines.every((line) => line.hidden));
    this.follow.grew(events.length);
    this.#announce(events);
  }

  /** @param {JobEvent} event */
  #line(event) {
    const line = document.createElement("div");
    line.className = "log-line";
    line.dataset.seq = String(event.sequence);
    line.dataset.source = event.source;
    line.dataset.level = event.level;
    const time = document.createElement("time");
    time.dateTime = event.time;
    const from = document.createElement("span");
    from.className = "from";
    from.textContent = event.node || event.source;
    const said = document.createElement("span");
    said.className = "said";
    said.textContent = event.message;
    line.append(time, from, said);
    this.#dress(line);
    return line;
  }

  /**
   * Complete a line, whether the server or this script made it: time, colours, the copy button, the filter.
   *
   * @param {HTMLElement} line
   */
  #dress(line) {
    const [time, , said] = line.children;
    if (time instanceof HTMLTimeElement) this.clock.show(time);
    const text = said.textContent ?? "";
    if (CONNECTION.test(text)) this.#addCopyButton(line, said);
    else if (hasControls(text)) said.replaceChildren(...render(text));
    if (this.#isFiltered()) line.hidden = !this.#matches(line);
  }

  /** @param {HTMLElement} line @param {Element} said */
  #addCopyButton(line, said) {
    line.classList.add("is-connection");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-small";
    button.dataset.copied = this.say.copiedText;
    button.dataset.failed = this.say.failedText;
    button.textContent = this.say.copyText ?? "";
    const reason = document.createElement("span");
    reason.className = "soft small";
    reason.dataset.copyReason = "";
    const row = document.createElement("div");
    row.className = "log-copy";
    row.append(button, reason);
    said.append(row);
    this.#followConnect(row);
  }

  /**
   * Give a copy button of the log the command and the state of the one in Connect.
   *
   * @param {Element} row
   */
  #followConnect(row) {
    const button = find(row, "button", HTMLButtonElement);
    const reason = document.getElementById("why-no-command")?.textContent?.trim() ?? "";
    button.disabled = Boolean(reason);
    if (reason) delete button.dataset.copyFrom;
    else button.dataset.copyFrom = "ssh-command";
    find(row, "[data-copy-reason]").textContent = reason;
  }

  /** @param {HTMLElement} line */
  #matches(line) {
    const { text, source } = this.filter;
    const { level } = line.dataset;
    if (source === WARNINGS && level !== "warning" && level !== "error") return false;
    if (source && source !== WARNINGS && line.dataset.source !== source) return false;
    const [, from, said] = line.children;
    return !text || [from, said].some((part) => part.textContent?.toLowerCase().includes(text));
  }

  #isFiltered() {
    return Boolean(this.filter.text || this.filter.source);
  }

  #applyFilter() {
    const shown = this.chunks.filter((line) => this.#matches(line));
    this.#sayNone(shown === 0 && this.chunks.lines.length > 0);
    if (this.follow.on) this.follow.toEnd();
  }

  /** @param {boolean} none */
  #sayNone(none) {
    find(this.panel, "[data-log-none]").hidden = !none;
  }

  /** @param {JobEvent[]} events */
  #announce(events) {
    const last = events.findLast((event) => event.level !== "info" || CONNECTION.test(event.message));
    if (last) announce(last.message);
  }

  /** @param {HTMLButtonElement} button */
  async #showEarlier(button) {
    const after = Math.max(0, this.first - 1 - PAGE);
    button.disabled = true;
    try {
      const response = await fetch(`${this.say.eventsUrl}?after=${after}&limit=${this.first - 1 - after}`);
      if (!response.ok) throw new Error(String(response.status));
      const page = await response.json();
      /** @type {JobEvent[]} */
      const received = page.results ?? page;
      const events = received.filter((event) => event.sequence < this.first);
      if (!events.length) return;
      const lines = events.map((event) => this.#line(event));
      this.follow.keepPlace(() => this.chunks.prepend(lines));
      this.first = events[0].sequence;
      find(this.panel, "[data-log-earlier]").hidden = this.first <= 1;
    } catch {
      announce(this.say.goneText ?? "");
    } finally {
      button.disabled = false;
    }
  }

  #listen() {
    document.addEventListener("headnode:job-state", () => {
      for (const row of this.panel.querySelectorAll(".log-copy")) this.#followConnect(row);
    });
    let timer = 0;
    const text = find(this.panel, "[data-log-filter]", HTMLInputElement);
    const source = find(this.panel, "[data-log-source]", HTMLSelectElement);
    text.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.filter.text = text.value.trim().toLowerCase();
        this.#applyFilter();
      }, 120);
    });
    source.addEventListener("change", () => {
      this.filter.source = source.value;
      this.#applyFilter();
    });
    find(this.panel, "[data-log-clock]").addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement) this.clock.style = target.value;
      for (const line of this.chunks.lines) this.clock.show(/** @type {HTMLTimeElement} */ (line.firstElementChild));
    });
    const earlier = find(this.panel, "[data-log-earlier] button", HTMLButtonElement);
    earlier.addEventListener("click", () => void this.#showEarlier(earlier));
  }
}

