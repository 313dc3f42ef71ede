/* Sets the theme before the first paint: light, dark, or that of the system. */
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  function chosen() {
    try {
      return localStorage.getItem("headnode-theme") || "system";
    } catch {
      return "system"; // storage is off: use the theme of the system
    }
  }

  function apply() {
    const choice = chosen();
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    root.dispatchEvent(new CustomEvent("headnode:theme"));
  }

  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  root.addEventListener("headnode:choose-theme", (event) => {
    try {
      localStorage.setItem("headnode-theme", event.detail);
    } catch {
      root.dataset.themeChoice = event.detail;
    }
    apply();
  });
  apply();
})();
