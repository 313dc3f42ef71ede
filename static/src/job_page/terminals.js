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

function open(job, link) {
  const node = link.dataset.openTerminal;
  const panel = document.getElementById("terminal-template").content.cloneNode(true).firstElementChild;
  panel.querySelector("[data-title]").textContent = link.dataset.label;
  panel.setAttribute("aria-label", link.dataset.label);
  panel.querySelector("[data-pop-out]").href = link.href;
  const terminal = document.createElement("headnode-terminal");
  terminal.dataset.createUrl = "/api/v2/terminal-sessions/";
  terminal.dataset.job = job;
  terminal.dataset.node = node;
  terminal.dataset.label = link.dataset.label;
  panel.append(terminal);
  panel.querySelector("[data-close]").addEventListener("click", () => {
    panel.remove();
    document.getElementById(link.id)?.focus();
  });
  document.getElementById("terminals").append(panel);
  panel.scrollIntoView({ block: "nearest" });
}

export function startTerminals(job) {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("[data-open-terminal]");
    // With a modifier key the link does what links do: its own window.
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await load();
      open(job, link);
    } catch {
      window.open(link.href, "_blank", "noopener");
    }
  });
}
