/* When each event is shown, with pauses cut short or not. Pure. */

/** Seconds a pause lasts at most while pauses are skipped. */
export const LONGEST_PAUSE = 2;

export class Timeline {
  /** `times`: seconds of the events, ascending. */
  constructor(times, skipsPauses) {
    const longest = skipsPauses ? LONGEST_PAUSE : Infinity;
    let before = 0;
    let at = 0;
    this.times = times.map((time) => {
      at += Math.min(Math.max(0, time - before), longest);
      before = time;
      return at;
    });
    this.length = at;
  }

  /** How many events have happened at `seconds`. */
  countAt(seconds) {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** When event number `index` is shown: for finding one's place again in another timeline. */
  timeOf(index) {
    return index > 0 ? this.times[Math.min(index, this.times.length) - 1] : 0;
  }
}
