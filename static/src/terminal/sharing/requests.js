/* What sharing asks of the REST API. Each resolves to the answer's body and rejects with an Error for people. */
import { word } from "./kit.js";

const path = (session, rest = "") => `/api/v2/terminal-sessions/${session}/shares/${rest}`;

/** The shares in force: [{id, person, mayType, sharedAt}]. */
export const listShares = (session) => ask("GET", path(session));

/** Share with a person, or change what they may do. */
export const share = (session, person, mayType) => ask("POST", path(session), { person, mayType });

/** Take a share back. */
export const takeBack = (session, id) => ask("DELETE", path(session, `${id}/`));

async function ask(method, url, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, credentials: "same-origin", headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error(word("unreachable"));
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const { reason: _, ...fields } = said;
  throw new Error(Object.values(fields).flat().find((value) => typeof value === "string") ?? word("failed"));
}

function csrfToken() {
  return document.querySelector("meta[name='csrf-token']")?.content ?? "";
}
