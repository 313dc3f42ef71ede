/* <headnode-replay data-source>: plays the asciicast at that address in the controls the page wrote inside it.
 *
 * Programs and tests reach the screen as `element.terminal` (xterm.js), the player as `element.player` and the state as
 * `element.dataset.state`: loading, ready, failed.
 */
import { Screen } from "../terminal/screen.js";
import { parse } from "./cast.js";
import { Player } from "./player.js";

const STEP_SECONDS = 5;

export class HeadnodeReplay extends HTMLElement {
  async connectedCallback() {
    if (this.screen) return;
    this.dataset.state = "loading";
    const find = (name) => this.querySelector(`[data-${name}]`);
    this.controls = {
      play: find("play"), seek: find("seek"), time: find("time"), speed: find("speed"), skip: find("skip"),
      marks: find("marks"), say: find("say"), bar: find("controls"),
    };
    this.screen = new Screen(find("screen"));
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
    const answer = await fetch(this.dataset.source, { credentials: "same-origin" });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Error(said.detail ?? this.dataset.failed);
    }
    return parse(await answer.text());
  }

  #fail(error) {
    this.dataset.state = "failed";
    this.controls.say.textContent = error instanceof SyntaxError ? this.dataset.failed : error.message;
  }

  #begin(cast) {
    const { terminal, screen } = this;
    this.player = new Player(cast, {
      write: (text, done) => terminal.write(text, done),
      reset: () => terminal.reset(),
      resize: (size) => screen.hold(size),
    });
    this.player.addEventListener("change", () => this.#show());
    this.player.addEventListener("marker", ({ detail }) => (this.controls.say.textContent = detail));
    this.#wire();
    this.#mark();
    this.#show();
    this.controls.bar.hidden = false;
    this.dataset.state = "ready";
    if (cast.events.length === 0) this.controls.say.textContent = this.dataset.empty;
    else this.player.play();
  }

  #wire() {
    const { player } = this;
    const { play, seek, speed, skip } = this.controls;
    play.addEventListener("click", () => this.#toggle());
    seek.addEventListener("input", () => player.seek(Number(seek.value)));
    speed.addEventListener("change", () => player.setSpeed(Number(speed.value)));
    skip.addEventListener("change", () => {
      player.skipPauses(skip.checked);
      this.#mark();
    });
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select, input[type=checkbox]") && event.key !== "Escape") return;
    if (event.target.matches("button, a") && (event.key === " " || event.key === "Enter")) return;
    const { player } = this;
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
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    void action();
  }

  #toggle() {
    if (this.player.playing) this.player.pause();
    else this.player.play();
  }

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
      play.ariaLabel = state === "playing" ? play.dataset.pause : play.dataset.play;
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

// 75 -> "1:15", 3700 -> "1:01:40"
function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
