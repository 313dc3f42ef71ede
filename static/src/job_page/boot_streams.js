/* The boot log of each node: fetched when it is opened, and continued while it is open. */
import { find, findAll } from "../dom.js";

/**
 * Fetch the lines that are new. A view that is at the end stays at the end.
 *
 * @param {HTMLElement} details
 */
async function read(details) {
  const [box] = findAll(details, "[data-boot-lines]");
  if (!box || box.dataset.reading) return;
  box.dataset.reading = "1";
  try {
    for (;;) {
      const last = box.lastElementChild;
      const after = Number((last instanceof HTMLElement && last.dataset.seq) || 0);
      if (after >= Number(details.dataset.heard)) return;
      const response = await fetch(`${details.dataset.bootStream}?after=${after}`, { headers: { Accept: "text/html" } });
      if (!response.ok || response.redirected) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body.children;
      if (!fresh.length) return;
      const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
      box.append(...fresh);
      if (atEnd) box.scrollTop = box.scrollHeight;
    }
  } catch {
    // Offline: the next event brings the rest.
  } finally {
    delete box.dataset.reading;
  }
}

/** Fetch a boot log whenever one is opened. */
export function startBootStreams() {
  // `toggle` does not bubble.
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target instanceof HTMLDetailsElement && target.open && target.dataset.bootStream) void read(target);
    },
    true,
  );
}

/**
 * Keep the open boot logs of `old` open in `part`, which replaces it, with their lines and scroll positions. Return what
 * to call once it was replaced.
 *
 * @param {HTMLElement} old
 * @param {HTMLElement} part
 */
export function keepBootStreams(old, part) {
  const kept = findAll(old, "details[data-boot-stream][open]").flatMap((before) => {
    const after = part.querySelector(`#${CSS.escape(before.id)}`);
    if (!(after instanceof HTMLDetailsElement)) return [];
    const lines = find(before, "[data-boot-lines]");
    return [{ after, lines, top: lines.scrollTop }];
  });
  return () => {
    for (const { after, lines, top } of kept) {
      find(after, "[data-boot-lines]").replaceWith(lines);
      after.open = true;
      lines.scrollTop = top;
      void read(after);
    }
  };
}
