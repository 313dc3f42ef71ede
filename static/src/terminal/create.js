/* Asks the REST API for a terminal session. */
import { words } from "./words.js";

/** A refusal of the portal: a reason word, a sentence, and where it can be put right. */
export class Refusal extends Error {
  constructor(reason, message, retryable = true) {
    super(message);
    this.reason = reason;
    this.retryable = retryable;
  }
}

/** POST {job, node, cols, rows}; resolves to the session, rejects with a Refusal. */
export async function createSession(url, request) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify(request),
    });
  } catch {
    throw new Refusal("portal_unreachable", words.portalUnreachable);
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  if (answer.status === 401) throw new Refusal("not_signed_in", words.signInAgain, false);
  throw new Refusal(body.reason ?? `http_${answer.status}`, sentence(body) ?? words.failed(answer.status));
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
