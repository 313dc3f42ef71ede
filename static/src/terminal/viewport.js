/* A phone's keyboard covers the page instead of making it smaller: fill the visible part of the window. */

/**
 * Keep `--hn-height` and `--hn-top` of `element` at the visible part of the window.
 *
 * @param {HTMLElement} element
 */
export function followViewport(element) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const follow = () => {
    if (viewport.scale > 1.01) return; // zoomed in: leave it alone
    element.style.setProperty("--hn-height", `${viewport.height}px`);
    element.style.setProperty("--hn-top", `${viewport.offsetTop}px`);
  };
  viewport.addEventListener("resize", follow);
  viewport.addEventListener("scroll", follow);
  follow();
}
