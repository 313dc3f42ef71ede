/* Whether a program runs in a terminal, as far as its screen tells. No SSH server says which process reads the keyboard.
 *
 * What tells: the alternate screen, on which full-screen programs draw; and bracketed paste, which bash, zsh and fish
 * switch on with their prompt and off while a command runs. Where a shell does not do that, a terminal that was used a
 * moment ago counts as busy.
 */

const BRACKETED_PASTE = 2004;
// A shell without bracketed paste counts as quiet when nothing was typed or printed for so long.
export const QUIET_MILLISECONDS = 10_000;

export class Foreground {
  showsPrompts = false;

  /** @param {Pick<import("@xterm/xterm").Terminal, "buffer" | "modes" | "parser">} terminal */
  constructor(terminal) {
    this.terminal = terminal;
    terminal.parser.registerCsiHandler({ prefix: "?", final: "h" }, (modes) => {
      this.showsPrompts ||= modes.includes(BRACKETED_PASTE);
      return false;
    });
  }

  /** Forget the shell: another one begins. */
  reset() {
    this.showsPrompts = false;
  }

  /**
   * Return whether a program seems to run.
   *
   * @param {{ typed: boolean, usedAt: number }} use whether the person typed, and when they or the shell last did something
   */
  isBusy({ typed, usedAt }, now = performance.now()) {
    const { buffer, modes } = this.terminal;
    if (buffer.active.type === "alternate") return true;
    if (this.showsPrompts) return !modes.bracketedPasteMode;
    return typed && now - usedAt < QUIET_MILLISECONDS;
  }
}
