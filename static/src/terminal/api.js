/* Requests of the terminal to the REST API: open a shell, end it, list the open ones and the nodes. */
import { csrfToken } from "../dom.js";
import { word } from "./kit.js";

/** @typedef {{ id: string, node: string, websocketUrl: string, openedAt: string, endedAt: string | null }} SessionRow */
/** @typedef {{ job?: string, machine?: number }} Target */

/** A refusal by the portal: a reason (one word) and a sentence for the person. */
export class Refusal extends Error {
  /** @param {string} reason @param {string} message */
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Ask for a shell. Resolve to the session; reject with a Refusal.
 *
 * @param {string} url
 * @param {Target & { node?: string, cols: number, rows: number }} request
 * @returns {Promise<SessionRow>}
 */
export function createSession(url, request) {
  return ask(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(request),
  });
}

/**
 * End a shell whose connection is down. Never rejects: without this request the portal ends the shell a little later.
 *
 * @param {string} url
 * @param {string} id
 */
export async function endSession(url, id) {
  const headers = { "X-CSRFToken": csrfToken() };
  await fetch(`${url}${id}/`, { method: "DELETE", credentials: "same-origin", headers, keepalive: true }).catch(() => {});
}

/**
 * Resolve to the person's shells on `target` that are still open, the oldest first.
 *
 * @param {string} url
 * @param {Target} target
 * @returns {Promise<SessionRow[]>}
 */
export async function openSessions(url, target) {
  const query = new URLSearchParams({ open: "true" });
  for (const [name, value] of Object.entries(target)) query.set(name, String(value));
  const { results } = await ask(`${url}?${query}`, { headers: { Accept: "application/json" } });
  return results.filter((/** @type {SessionRow} */ session) => !session.endedAt).reverse();
}

/**
 * Resolve to the names of the nodes that are up, on which a shell can be opened.
 *
 * @param {string} url
 * @returns {Promise<string[]>}
 */
export async function nodesUp(url) {
  const { results } = await ask(url, { headers: { Accept: "application/json" } });
  /** @type {{ name: string, status: string }[]} */
  const nodes = results;
  return nodes.filter((node) => node.status === "running").map((node) => node.name);
}

/** @param {string} url @param {RequestInit} options */
async function ask(url, options) {
  let response;
  try {
    // A page that somebody comes back to would be given the list of shells of its first visit.
    response = await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Refusal("portal_unreachable", word("portal-unreachable"));
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) throw new Refusal("not_signed_in", word("sign-in-again"));
  const reason = body.reason ?? `http_${response.status}`;
  throw new Refusal(reason, sentenceOf(body) ?? word("failed", { status: response.status }));
}

/**
 * Return the sentence in the body of a refusal: `detail`, else the first error of a field ({"cols": ["..."]}).
 *
 * @param {Record<string, unknown>} body
 */
export function sentenceOf(body) {
  if (typeof body.detail === "string") return body.detail;
  const { reason: _reason, ...fields } = body;
  return Object.values(fields).flat().find((value) => typeof value === "string");
}
