/* "Extend until": people think in their own time, the portal in UTC. Without this script the field is in UTC and says so. */
const two = (n) => String(n).padStart(2, "0");

/** "2026-04-03T09:30" in UTC as the same moment on this computer's clock, for a datetime-local field. */
function local(utc) {
  if (!utc) return "";
  const at = new Date(`${utc}Z`);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Have the forms under `root` ask in this computer's time. */
export function showExtend(root = document) {
  for (const form of root.querySelectorAll("form[data-extend-until]:not([data-local])")) {
    form.dataset.local = "";
    const field = form.elements.until;
    for (const name of ["min", "max", "value"]) field[name] = local(field.getAttribute(name));
    form.querySelector("[data-zone]").textContent = "";
  }
}

export function startExtend() {
  showExtend();
  document.addEventListener("formdata", (event) => {
    const form = event.target;
    if (!("local" in form.dataset)) return;
    const at = new Date(form.elements.until.value);
    if (!Number.isNaN(at.getTime())) event.formData.set("until", at.toISOString());
  });
}
