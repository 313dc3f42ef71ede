/* When each event is shown, with pauses shortened or not. Pure. */

/** The longest pause in seconds while pauses are skipped. */
export const LONGEST_PAUSE = 2;

export class Timeline {
  /**
   * @param {number[]} times of the events in seconds, ascending
   * @param {boolean} skipsPauses
   */
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

  /**
   * Return how many events have happened at `seconds`.
   *
   * @param {number} seconds
   */
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

  /**
   * Return when the first `index` events have been shown, to find the same place in another timeline.
   *
   * @param {number} index
   */
  timeOf(index) {
    return index > 0 ? this.times[Math.min(index, this.times.length) - 1] : 0;
  }
}
