/* What the terminal asks of the REST API: open a shell, list the open ones, the nodes there are. */
import { word } from "./kit.js";

/** A refusal of the portal: a reason word and a sentence. */
export class Refusal extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

/** Ask for a shell: POST {job or machine, node, cols, rows}. Resolves to the session; rejects with a Refusal. */
export function createSession(url, request) {
  return ask(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(request),
  });
}

/** End a shell whose line is down. Never rejects: an end that was not heard comes by itself, a little later. */
export async function endSession(url, id) {
  const headers = { "X-CSRFToken": csrfToken() };
  await fetch(`${url}${id}/`, { method: "DELETE", credentials: "same-origin", headers, keepalive: true }).catch(() => {});
}

/** The person's shells on `target` ({job: id}) that are still open, the oldest first. */
export async function openSessions(url, target) {
  const query = new URLSearchParams({ ...target, open: "true" });
  const { results } = await ask(`${url}?${query}`, { headers: { Accept: "application/json" } });
  return results.filter((session) => !session.endedAt).reverse();
}

/** Names of the nodes that are up: what a new shell can be opened on. */
export async function nodesUp(url) {
  const { results } = await ask(url, { headers: { Accept: "application/json" } });
  return results.filter((node) => node.status === "running").map((node) => node.name);
}

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new Refusal("portal_unreachable", word("portal-unreachable"));
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  if (answer.status === 401) throw new Refusal("not_signed_in", word("sign-in-again"));
  const reason = body.reason ?? `http_${answer.status}`;
  throw new Refusal(reason, sentence(body) ?? word("failed", { status: answer.status }));
}

function sentence(body) {
  if (typeof body.detail === "string") return body.detail;
  // Field errors: {"cols": ["..."]}
  const { reason: _, ...fields } = body;
  return Object.values(fields).flat().find((value) => typeof value === "string");
}

function csrfToken() {
  return document.querySelector("meta[name='csrf-token']")?.content ?? "";
}
