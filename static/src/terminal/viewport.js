/* A phone's keyboard covers the page instead of making it smaller: fill what is left of the window, and stay there. */

/** Keep `--hn-height` and `--hn-top` of `element` at the part of the window one can see. */
export function followViewport(element) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const follow = () => {
    if (viewport.scale > 1.01) return; // somebody looks closer: leave it alone
    element.style.setProperty("--hn-height", `${viewport.height}px`);
    element.style.setProperty("--hn-top", `${viewport.offsetTop}px`);
  };
  viewport.addEventListener("resize", follow);
  viewport.addEventListener("scroll", follow);
  follow();
}
