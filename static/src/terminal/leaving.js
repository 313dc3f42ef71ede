/* Asks before a window is closed in which a program runs. The shell goes on for a while without it, but not for ever. */

// A link of the portal that was followed leads away within this time. Its page offers the shell again.
const FOLLOWING_MILLISECONDS = 2000;

/**
 * Have the browser ask before the window closes while `isBusy()`, unless the person only goes to another page here.
 *
 * @param {() => boolean} isBusy
 */
export function askBeforeLeaving(isBusy) {
  let followedAt = -Infinity;
  /** @param {Event} event */
  const follow = (event) => {
    if (!event.defaultPrevented && staysHere(event)) followedAt = performance.now();
  };
  window.addEventListener("click", follow);
  window.addEventListener("submit", follow);
  window.addEventListener("beforeunload", (event) => {
    if (performance.now() - followedAt > FOLLOWING_MILLISECONDS && isBusy()) event.preventDefault();
  });
}

/**
 * Return whether a click or a form leads to another page of the portal, in this window.
 *
 * @param {Event} event
 */
function staysHere({ type, target }) {
  if (type === "submit") return true;
  const link = target instanceof Element ? target.closest("a[href]") : null;
  return link instanceof HTMLAnchorElement && link.origin === window.location.origin && !link.target && !link.download;
}
