/* <headnode-replay data-source>: plays the asciicast at that address in the controls the page wrote inside it.
 *
 * Tests reach the screen as `element.terminal` (xterm.js), the player as `element.player` and the state as
 * `element.dataset.state`: loading, ready, failed.
 */
import { find } from "../dom.js";
import { Screen } from "../terminal/screen.js";
import { parse } from "./cast.js";
import { clock } from "./clock.js";
import { Player } from "./player.js";

const STEP_SECONDS = 5;

export class HeadnodeReplay extends HTMLElement {
  /** @type {Screen | null} */
  screen = null;
  /** @type {import("@xterm/xterm").Terminal} */
  terminal;
  /** @type {Player} */
  player;
  /** @type {ReturnType<typeof controlsOf>} */
  controls;

  async connectedCallback() {
    if (this.screen) return;
    this.dataset.state = "loading";
    this.controls = controlsOf(this);
    this.screen = new Screen(find(this, "[data-screen]"));
    this.terminal = this.screen.terminal;
    this.terminal.options.disableStdin = true;
    this.terminal.options.cursorBlink = false;
    try {
      const [cast] = await Promise.all([this.#load(), this.screen.show()]);
      this.#begin(cast);
    } catch (error) {
      this.#fail(error);
    }
  }

  disconnectedCallback() {
    this.player?.pause();
    this.screen?.dispose();
    this.screen = null;
  }

  async #load() {
    const response = await fetch(this.dataset.source ?? "", { credentials: "same-origin" });
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      throw new Error(body.detail ?? this.dataset.failed);
    }
    return parse(await response.text());
  }

  /** @param {unknown} error */
  #fail(error) {
    this.dataset.state = "failed";
    const isOurs = error instanceof Error && !(error instanceof SyntaxError);
    this.controls.say.textContent = isOurs ? error.message : (this.dataset.failed ?? "");
  }

  /** @param {ReturnType<typeof parse>} cast */
  #begin(cast) {
    const { terminal, screen } = this;
    if (!screen) return; // removed from the page meanwhile
    this.player = new Player(cast, {
      write: (text, done) => terminal.write(text, done),
      reset: () => terminal.reset(),
      resize: (size) => screen.hold(size),
    });
    this.player.addEventListener("change", () => this.#show());
    this.player.addEventListener("marker", (event) => {
      if (event instanceof CustomEvent) this.controls.say.textContent = event.detail;
    });
    this.#wire();
    this.#mark();
    this.#show();
    this.controls.bar.hidden = false;
    this.dataset.state = "ready";
    if (cast.events.length === 0) this.controls.say.textContent = this.dataset.empty ?? "";
    else this.player.play();
  }

  #wire() {
    const { player } = this;
    const { play, seek, speed, skip } = this.controls;
    play.addEventListener("click", () => this.#toggle());
    seek.addEventListener("input", () => void player.seek(Number(seek.value)));
    speed.addEventListener("change", () => player.setSpeed(Number(speed.value)));
    skip.addEventListener("change", () => {
      player.skipPauses(skip.checked);
      this.#mark();
    });
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    if (!(target instanceof Element) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("select, input[type=checkbox]") && event.key !== "Escape") return;
    if (target.matches("button, a") && (event.key === " " || event.key === "Enter")) return;
    const { player } = this;
    /** @type {Record<string, () => unknown>} */
    const actions = {
      " ": () => this.#toggle(),
      k: () => this.#toggle(),
      ArrowLeft: () => player.seek(player.position - STEP_SECONDS),
      ArrowRight: () => player.seek(player.position + STEP_SECONDS),
      Home: () => player.seek(0),
      End: () => player.seek(player.length),
      "<": () => this.#faster(-1),
      ">": () => this.#faster(1),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  #toggle() {
    if (this.player.playing) this.player.pause();
    else this.player.play();
  }

  /** @param {1 | -1} by */
  #faster(by) {
    const { speed } = this.controls;
    speed.selectedIndex = Math.min(Math.max(0, speed.selectedIndex + by), speed.options.length - 1);
    this.player.setSpeed(Number(speed.value));
  }

  #show() {
    const { player } = this;
    if (!player) return;
    const { play, seek, time } = this.controls;
    const state = player.playing ? "playing" : player.atEnd ? "ended" : "paused";
    if (play.dataset.state !== state) {
      play.dataset.state = state;
      play.ariaLabel = (state === "playing" ? play.dataset.pause : play.dataset.play) ?? "";
      play.title = play.ariaLabel;
    }
    seek.max = String(player.length);
    seek.value = String(player.position);
    const text = `${clock(player.position)} / ${clock(player.length)}`;
    if (time.textContent !== text) {
      time.textContent = text;
      seek.setAttribute("aria-valuetext", text);
    }
    seek.style.setProperty("--played", `${player.length ? (100 * player.position) / player.length : 100}%`);
  }

  #mark() {
    const { player } = this;
    this.controls.marks.replaceChildren(
      ...player.markers.map(({ at, text }) => {
        const mark = document.createElement("span");
        mark.style.left = `${player.length ? (100 * at) / player.length : 100}%`;
        mark.title = text;
        return mark;
      }),
    );
  }
}

/** @param {HTMLElement} root */
function controlsOf(root) {
  return {
    play: find(root, "[data-play]"),
    seek: find(root, "[data-seek]", HTMLInputElement),
    time: find(root, "[data-time]"),
    speed: find(root, "[data-speed]", HTMLSelectElement),
    skip: find(root, "[data-skip]", HTMLInputElement),
    marks: find(root, "[data-marks]"),
    say: find(root, "[data-say]"),
    bar: find(root, "[data-controls]"),
  };
}
