/* The lines of the Job Log: kept by sequence, appended in batches, filtered and followed. */
import { hasControls, render } from "./ansi.js";
import { Chunks } from "./chunks.js";
import { Clock } from "./clock.js";
import { Follow } from "./follow.js";

const MOST_LINES = 20000;
const PAGE = 500;
const CONNECTION =
  /^Instance ready for ssh access\. Command: ssh -i <\/path\/to\/key> (\S+);(?: port: (\d+);)? working directory: /;

export class JobLog {
  constructor(panel) {
    this.panel = panel;
    this.say = panel.dataset;
    this.first = Number(this.say.first);
    this.last = Number(this.say.last);
    this.waiting = [];
    this.filter = { text: "", source: "" };
    this.clock = new Clock(this.say.began);
    this.follow = new Follow(panel);
    this.chunks = new Chunks(panel.querySelector("[data-log-lines]"));
    for (const line of this.chunks.lines) this.#dress(line);
    this.#listen();
    panel.querySelector("[data-log-tools]").hidden = false;
    this.follow.toEnd();
  }

  /** Takes an event; false when it was here already. */
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

  showConnection(word) {
    const mark = this.panel.querySelector("[data-connection]");
    mark.hidden = false;
    mark.dataset.state = word;
    mark.textContent = word === "live" ? this.say.liveText : word === "gone" ? this.say.goneText : this.say.retryingText;
  }

  #flush() {
    const events = this.waiting;
    this.waiting = [];
    this.chunks.append(events.map((event) => this.#line(event)));
    if (this.follow.on && this.chunks.trim(MOST_LINES)) {
      this.first = Number(this.chunks.lines[0].dataset.seq);
      this.panel.querySelector("[data-log-earlier]").hidden = false;
    }
    this.panel.querySelector("[data-log-empty]").hidden = true;
    if (this.#isFiltered()) this.#sayNone(this.chunks.lines.every((line) => line.hidden));
    this.follow.grew(events.length);
    this.#announce(events);
  }

  #line(event) {
    const line = document.createElement("div");
    line.className = "log-line";
    line.dataset.seq = event.sequence;
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

  /** Time, colours, the connection line's button, the filter: for a line of the server's as for one of ours. */
  #dress(line) {
    const [time, , said] = line.children;
    this.clock.show(time);
    const text = said.textContent;
    const found = CONNECTION.exec(text);
    if (found) this.#markConnection(line, said, found);
    else if (hasControls(text)) said.replaceChildren(...render(text));
    if (this.#isFiltered()) line.hidden = !this.#matches(line);
  }

  #markConnection(line, said, [, login, port]) {
    line.classList.add("is-connection");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-small";
    button.dataset.copy = port ? `ssh -p ${port} ${login}` : `ssh ${login}`;
    button.dataset.copied = this.say.copiedText;
    button.dataset.failed = this.say.failedText;
    button.textContent = this.say.copyText;
    const row = document.createElement("div");
    row.append(button);
    said.append(row);
  }

  #matches(line) {
    const { text, source } = this.filter;
    if (source === "!" && line.dataset.level !== "warning" && line.dataset.level !== "error") return false;
    if (source && source !== "!" && line.dataset.source !== source) return false;
    return !text || line.lastElementChild.textContent.toLowerCase().includes(text) || line.children[1].textContent.includes(text);
  }

  #isFiltered() {
    return Boolean(this.filter.text || this.filter.source);
  }

  #applyFilter() {
    const shown = this.chunks.filter((line) => this.#matches(line));
    this.#sayNone(shown === 0 && this.chunks.lines.length > 0);
    if (this.follow.on) this.follow.toEnd();
  }

  #sayNone(none) {
    this.panel.querySelector("[data-log-none]").hidden = !none;
  }

  #announce(events) {
    const worth = events.filter((event) => event.level !== "info" || CONNECTION.test(event.message));
    if (worth.length) document.getElementById("announcer").textContent = worth[worth.length - 1].message;
  }

  async #showEarlier(button) {
    const after = Math.max(0, this.first - 1 - PAGE);
    button.disabled = true;
    try {
      const answer = await fetch(`${this.say.eventsUrl}?after=${after}&limit=${this.first - 1 - after}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const page = await answer.json();
      const events = (page.results ?? page).filter((event) => event.sequence < this.first);
      if (!events.length) return;
      const lines = events.map((event) => this.#line(event));
      this.follow.keepPlace(() => this.chunks.prepend(lines));
      this.first = events[0].sequence;
      button.parentElement.hidden = this.first <= 1;
    } catch {
      document.getElementById("announcer").textContent = this.say.goneText;
    } finally {
      button.disabled = false;
    }
  }

  #listen() {
    let timer = 0;
    const text = this.panel.querySelector("[data-log-filter]");
    const source = this.panel.querySelector("[data-log-source]");
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
    this.panel.querySelector("[data-log-clock]").addEventListener("change", (event) => {
      this.clock.style = event.target.value;
      for (const line of this.chunks.lines) this.clock.show(line.firstElementChild);
    });
    const earlier = this.panel.querySelector("[data-log-earlier] button");
    earlier.addEventListener("click", () => this.#showEarlier(earlier));
  }
}

