/* Opens terminals inside the page. Their script is large, so it is fetched when the first one is opened. */
const script = document.getElementById("job-page-script");
let loading = null;

function load() {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = script.dataset.terminalStyle;
    const code = document.createElement("script");
    code.src = script.dataset.terminalScript;
    code.addEventListener("load", resolve);
    code.addEventListener("error", () => {
      loading = null;
      reject(new Error("terminal.js did not load"));
    });
    document.head.append(style, code);
  });
  return loading;
}

/** The panel, made when there is none: all shells of the page are its tabs. */
function openPanel(node) {
  const place = document.getElementById("terminals");
  const panel = document.getElementById("terminal-template").content.cloneNode(true).firstElementChild;
  const terminals = panel.querySelector("headnode-terminals");
  if (node) terminals.dataset.open = node;
  terminals.addEventListener("headnode:empty", () => {
    panel.remove();
    document.getElementById(`open-${node}`)?.focus();
  });
  place.append(panel);
  if (node) panel.scrollIntoView({ block: "nearest" });
}

function open(node) {
  const terminals = document.querySelector("#terminals headnode-terminals");
  if (!terminals) openPanel(node);
  else void terminals.open(node).then((terminal) => terminal.scrollIntoView({ block: "nearest" }));
}

/** Whether this page had shells before it was loaded again (remembered.js). */
function hadShells() {
  try {
    return sessionStorage.getItem(`headnode-terminals:${window.location.pathname}#panel`) !== null;
  } catch {
    return false;
  }
}

export function startTerminals() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("[data-open-terminal]");
    // With a modifier key the link does what links do: its own window.
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await load();
      open(link.dataset.openTerminal);
    } catch {
      window.open(link.href, "_blank", "noopener");
    }
  });
  if (hadShells()) void load().then(() => openPanel(null), () => {});
}
