/* The Share dialog: with whom a terminal is shared; share it with one more person; take a share back. */
import { control, find } from "../../dom.js";
import { part, word } from "./kit.js";
import { listShares, share, takeBack } from "./requests.js";

/**
 * Open the dialog.
 *
 * @param {string} session id of the terminal session
 * @param {() => import("./presence.js").Person[]} people returns who is present now
 * @param {() => void} onClose
 */
export function openShareDialog(session, people, onClose) {
  const dialog = part("share-dialog", HTMLDialogElement);
  const form = find(dialog, "form", HTMLFormElement);
  const field = find(form, "[name=person]", HTMLInputElement);
  const error = find(dialog, "[data-error]");
  const list = find(dialog, "[data-shares]");
  const nobody = find(dialog, "[data-nobody]");

  /** @param {string} sentence */
  const refuse = (sentence) => {
    error.textContent = sentence;
    field.setAttribute("aria-invalid", String(Boolean(sentence)));
  };
  /** @param {() => Promise<unknown>} work */
  const attempt = async (work) => {
    refuse("");
    try {
      await work();
      await show();
      return true;
    } catch (problem) {
      refuse(messageOf(problem));
      field.focus();
      return false;
    }
  };
  /** @param {import("./requests.js").Share} row */
  const row = ({ id, person, mayType }) => {
    const line = part("share");
    const there = people().some((one) => one.name === person && one.role === "guest");
    find(line, "[data-person]").textContent = person;
    find(line, "[data-there]").hidden = !there;
    const select = find(line, "select", HTMLSelectElement);
    select.value = mayType ? "type" : "watch";
    select.ariaLabel = word("what-may", { person });
    select.addEventListener("change", () => attempt(() => share(session, person, select.value === "type")));
    const button = find(line, "button");
    button.ariaLabel = word("take-back-from", { person });
    button.addEventListener("click", () => attempt(() => takeBack(session, id)).then(() => field.focus()));
    return line;
  };
  const show = async () => {
    const shares = await listShares(session);
    list.replaceChildren(...shares.map(row));
    nobody.hidden = shares.length > 0;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const person = field.value.trim();
    if (!person) {
      refuse(word("who"));
    } else if (await attempt(() => share(session, person, control(form, "may").value === "type"))) {
      form.reset();
      field.focus();
    }
  });
  find(dialog, "[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  // Keys pressed in the dialog do not go to the shell.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  show().catch((problem) => refuse(messageOf(problem)));
  return { refresh: () => show().catch(() => {}) };
}

/** @param {unknown} problem */
const messageOf = (problem) => (problem instanceof Error ? problem.message : String(problem));
