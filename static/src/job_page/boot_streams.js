/* What each node says while it boots: read when it is opened, and further as long as it stays open. */

/** Asks for the lines that came since; those who read the end go on reading the end. */
async function read(details) {
  const box = details.querySelector("[data-boot-lines]");
  if (!box || box.dataset.reading) return;
  box.dataset.reading = "1";
  try {
    for (;;) {
      const after = Number(box.lastElementChild?.dataset.seq ?? 0);
      if (after >= Number(details.dataset.heard)) return;
      const answer = await fetch(`${details.dataset.bootStream}?after=${after}`, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.children;
      if (!fresh.length) return;
      const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
      box.append(...fresh);
      if (atEnd) box.scrollTop = box.scrollHeight;
    }
  } catch {
    // Offline: the next news brings the rest.
  } finally {
    delete box.dataset.reading;
  }
}

export function startBootStreams() {
  // `toggle` does not bubble.
  document.addEventListener(
    "toggle",
    (event) => event.target.open && event.target.dataset.bootStream && read(event.target),
    true,
  );
}

/** A part of the page is replaced by a newer one: what was open stays open, with its lines and where one was reading. */
export function keepBootStreams(old, part) {
  const kept = [];
  for (const before of old.querySelectorAll("details[data-boot-stream][open]")) {
    const after = part.querySelector(`#${CSS.escape(before.id)}`);
    if (!after) continue;
    const lines = before.querySelector("[data-boot-lines]");
    kept.push([after, lines, lines.scrollTop]);
  }
  return () => {
    for (const [details, lines, top] of kept) {
      details.querySelector("[data-boot-lines]").replaceWith(lines);
      details.open = true;
      lines.scrollTop = top;
      read(details);
    }
  };
}
