/* Opens terminals inside the page. Their script is large, so it is fetched when the first one is opened. */
import { byId, closest, find } from "../dom.js";

/** @type {Promise<unknown> | null} */
let loading = null;

function load() {
  const { terminalStyle = "", terminalScript = "" } = byId("job-page-script").dataset;
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = terminalStyle;
    const code = document.createElement("script");
    code.src = terminalScript;
    code.addEventListener("load", resolve);
    code.addEventListener("error", () => {
      loading = null;
      reject(new Error("terminal.js did not load"));
    });
    document.head.append(style, code);
  });
  return loading;
}

/**
 * Make the panel, whose tabs are the shells of this page, and open a shell on `node` in it.
 *
 * @param {string | null} node null: only the shells that were open before
 */
function openPanel(node) {
  const template = byId("terminal-template", HTMLTemplateElement);
  const panel = /** @type {HTMLElement} */ (find(template.content, "*").cloneNode(true));
  const terminals = find(panel, "headnode-terminals");
  if (node) terminals.dataset.open = node;
  terminals.addEventListener("headnode:empty", () => {
    panel.remove();
    document.getElementById(`open-${node}`)?.focus();
  });
  byId("terminals").append(panel);
  if (node) panel.scrollIntoView({ block: "nearest" });
}

/** @param {string} node */
function open(node) {
  const terminals = /** @type {import("../terminal/terminals.js").HeadnodeTerminals | null} */ (
    document.querySelector("#terminals headnode-terminals")
  );
  if (!terminals) openPanel(node);
  else void terminals.open(node).then((terminal) => terminal.scrollIntoView({ block: "nearest" }));
}

/** Return whether this page had shells before it was loaded again (remembered.js). */
function hadShells() {
  try {
    return sessionStorage.getItem(`headnode-terminals:${window.location.pathname}#panel`) !== null;
  } catch {
    return false;
  }
}

export function startTerminals() {
  document.addEventListener("click", async (event) => {
    const link = closest(event, "[data-open-terminal]", HTMLAnchorElement);
    // With a modifier key the browser opens the link in a tab or window of its own.
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await load();
      open(link.dataset.openTerminal ?? "");
    } catch {
      window.open(link.href, "_blank", "noopener");
    }
  });
  if (hadShells()) void load().then(() => openPanel(null), () => {});
}
