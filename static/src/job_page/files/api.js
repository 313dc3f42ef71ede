/* The REST API of a job's files. Every failure is an Error with a sentence for people. */
import { csrfToken } from "../../dom.js";

/** A request that was refused. `reason` is the API's word, "" if there is none. */
export class Refusal extends Error {
  /** @param {string} sentence @param {string} reason @param {number} status */
  constructor(sentence, reason, status) {
    super(sentence);
    this.reason = reason;
    this.status = status;
  }
}

/**
 * Return what a refused response says.
 *
 * @param {number} status
 * @param {string} body
 * @param {string} otherwise
 */
export function refusalOf(status, body, otherwise) {
  try {
    const said = JSON.parse(body);
    const sentence = said.detail ?? Object.values(said).flat().find((each) => typeof each === "string" && each.includes(" "));
    return new Refusal(sentence ?? otherwise, said.reason ?? "", status);
  } catch {
    return new Refusal(otherwise, "", status);
  }
}

export class FilesApi {
  /** @param {string} base "/api/v2/jobs/Ab12cd/" @param {string} failed what to say when nothing was said */
  constructor(base, failed) {
    this.base = base;
    this.failed = failed;
  }

  /** @param {string} path @param {AbortSignal} [signal] @returns {Promise<import("./listing.js").Folder>} */
  async list(path, signal) {
    const response = await this.#send(`tree/?${new URLSearchParams({ path })}`, { signal });
    return response.json();
  }

  /** @param {string} path */
  makeFolder(path) {
    return this.#send("tree/", { method: "POST", body: JSON.stringify({ path }), headers: { "Content-Type": "application/json" } });
  }

  /** @param {string} path @param {string} newPath */
  rename(path, newPath) {
    const body = JSON.stringify({ newPath });
    return this.#send(this.#content(path), { method: "PATCH", body, headers: { "Content-Type": "application/json" } });
  }

  /** @param {string} path */
  remove(path) {
    return this.#send(`${this.#content(path)}&recursive=true`, { method: "DELETE" });
  }

  /** @param {string} path @param {string} range "bytes=0-99", or "" for all @param {AbortSignal} [signal] */
  read(path, range, signal) {
    return this.#send(this.#content(path), { signal, headers: range ? { Range: range } : {} });
  }

  /** @param {string} path @param {string} text @param {string} tag the version that is replaced */
  save(path, text, tag) {
    const headers = { "Content-Type": "application/octet-stream", "If-Match": tag };
    return this.#send(this.#content(path), { method: "PUT", body: new Blob([text]), headers });
  }

  /** @param {string} path */
  downloadUrl(path) {
    return `${this.base}${this.#content(path)}`;
  }

  /** @param {string[]} paths */
  archiveUrl(paths) {
    return `${this.base}archive/?${new URLSearchParams(paths.map((path) => ["path", path]))}`;
  }

  /**
   * Send a file, and tell how much of it has gone.
   *
   * @param {string} path
   * @param {File} file
   * @param {{ replace: boolean, onProgress: (share: number) => void }} how
   * @returns {Promise<void>}
   */
  upload(path, file, { replace, onProgress }) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", this.downloadUrl(path));
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("X-CSRFToken", csrfToken());
      if (!replace) request.setRequestHeader("If-None-Match", "*");
      request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
      request.addEventListener("load", () => {
        if (request.status < 300) resolve();
        else reject(refusalOf(request.status, request.responseText, this.failed));
      });
      request.addEventListener("error", () => reject(new Refusal(this.failed, "", 0)));
      request.send(file);
    });
  }

  /** @param {string} path */
  #content(path) {
    return `tree/content/?${new URLSearchParams({ path })}`;
  }

  /** @param {string} rest @param {RequestInit} options */
  async #send(rest, options) {
    const headers = { Accept: "application/json, */*", "X-CSRFToken": csrfToken(), ...options.headers };
    /** @type {Response} */
    let response;
    try {
      response = await fetch(this.base + rest, { ...options, headers });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new Refusal(this.failed, "", 0);
    }
    if (!response.ok) throw refusalOf(response.status, await response.text(), this.failed);
    return response;
  }
}
