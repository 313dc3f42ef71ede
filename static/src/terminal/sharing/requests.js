/* Requests about shares to the REST API. They resolve to the body of the response and reject with an Error whose message is
 * for the person. */
import { csrfToken } from "../../dom.js";
import { sentenceOf } from "../api.js";
import { word } from "./kit.js";

/** @typedef {{ id: number | string, person: string, mayType: boolean, sharedAt: string }} Share */

/** @param {string} session */
const path = (session, rest = "") => `/api/v2/terminal-sessions/${session}/shares/${rest}`;

/**
 * Resolve to the shares in force.
 *
 * @param {string} session
 * @returns {Promise<Share[]>}
 */
export const listShares = (session) => ask("GET", path(session));

/**
 * Share with a person, or change what they may do.
 *
 * @param {string} session
 * @param {string} person
 * @param {boolean} mayType
 */
export const share = (session, person, mayType) => ask("POST", path(session), { person, mayType });

/**
 * Take a share back.
 *
 * @param {string} session
 * @param {Share["id"]} id
 */
export const takeBack = (session, id) => ask("DELETE", path(session, `${id}/`));

/** @param {string} method @param {string} url @param {object} [data] */
async function ask(method, url, data) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (data) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, credentials: "same-origin", headers, body: data && JSON.stringify(data) });
  } catch {
    throw new Error(word("unreachable"));
  }
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new Error(sentenceOf(body) ?? word("failed"));
}
