/* Uploads over tus: several at once, paused, resumed and tried again. Knows nothing of the page. */
import { Upload } from "tus-js-client";

/** @typedef {import("./dropped.js").Found} Found */
/** @typedef {"waiting" | "sending" | "paused" | "done" | "failed"} State */

const AT_ONCE = 3;
/* Up to this size the first request brings the whole file. */
const SMALL = 8 * 1024 * 1024;
/* A line may be away for some minutes; each success begins anew. */
const DELAYS = [0, 500, 1000, 2000, 3000, 5000, ...Array(12).fill(10000), ...Array(10).fill(30000)];
/* What ends by itself: locked, moved on, slow, changed on the way, too many requests. */
const PASSING = new Set([408, 409, 423, 429, 460]);

/** One file on its way. */
export class Item {
  sent = 0;
  /** @type {State} */
  state = "waiting";
  error = "";
  fileId = "";
  lineFailed = false;
  /** @type {Upload | null} */
  upload = null;

  /** @param {Found} found */
  constructor({ file, path }) {
    this.file = file;
    this.path = path;
    this.size = file.size;
  }
}

/** Sends items in their order, AT_ONCE at a time; calls `changed` whenever one has changed. */
export class UploadQueue {
  /** @type {Item[]} */
  #waiting = [];
  /** @type {Set<Item>} */
  #sending = new Set();

  /**
   * @param {{ endpoint: string, csrfToken: () => string, changed: (item: Item) => void, sentences: { line: string },
   *   Client?: typeof Upload }} options
   */
  constructor({ endpoint, csrfToken, changed, sentences, Client = Upload }) {
    this.endpoint = endpoint;
    this.csrfToken = csrfToken;
    this.changed = changed;
    this.sentences = sentences;
    this.Client = Client;
  }

  /** @param {Iterable<Item>} items */
  add(items) {
    this.#waiting.push(...items);
    this.#next();
  }

  /** @param {Item} item */
  pause(item) {
    this.#take(item);
    if (item.state === "done" || item.state === "failed") return;
    item.state = "paused";
    this.changed(item);
    this.#next();
  }

  /** Go on with what was paused or has failed. @param {Item} item */
  resume(item) {
    if (item.state !== "paused" && item.state !== "failed") return;
    item.state = "waiting";
    item.error = "";
    this.changed(item);
    this.add([item]);
  }

  /** Forget an item, here and on the portal. @param {Item} item */
  remove(item) {
    this.#take(item);
    // A file that is complete stays in the library.
    if (item.state !== "done" && item.upload?.url) item.upload.abort(true).catch(() => {});
    this.#next();
  }

  /** @param {Item} item */
  #take(item) {
    this.#waiting = this.#waiting.filter((each) => each !== item);
    if (this.#sending.delete(item)) item.upload?.abort().catch(() => {});
  }

  #next() {
    while (this.#sending.size < AT_ONCE) {
      const item = this.#waiting.shift();
      if (!item) return;
      this.#sending.add(item);
      item.state = "sending";
      this.changed(item);
      this.#start(item).catch((/** @type {unknown} */ error) => this.#failed(item, error));
    }
  }

  /** @param {Item} item */
  async #start(item) {
    const isNew = item.upload === null;
    item.upload ??= this.#client(item);
    if (isNew && item.size > SMALL) {
      const [previous] = await item.upload.findPreviousUploads();
      if (previous) item.upload.resumeFromPreviousUpload(previous);
    }
    if (this.#sending.has(item)) item.upload.start();
  }

  /** @param {Item} item */
  #client(item) {
    const isSmall = item.size <= SMALL;
    return new this.Client(item.file, {
      endpoint: this.endpoint,
      metadata: { filename: item.path.split("/").at(-1) ?? "", relativePath: item.path },
      // The same file in another folder is another upload.
      fingerprint: (file) =>
        Promise.resolve(["headnode", item.path, "size" in file ? file.size : 0, "lastModified" in file ? file.lastModified : 0].join("-")),
      retryDelays: DELAYS,
      uploadDataDuringCreation: isSmall,
      storeFingerprintForResuming: !isSmall,
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => request.setHeader("X-CSRFToken", this.csrfToken()),
      onAfterResponse: (_request, response) => {
        item.fileId = response.getHeader("Upload-File-Id") ?? item.fileId;
      },
      onShouldRetry: (error) => {
        const status = "originalResponse" in error ? error.originalResponse?.getStatus() : 0;
        return !status || status >= 500 || PASSING.has(status);
      },
      onProgress: (sent) => {
        if (!this.#sending.has(item)) return;
        item.sent = sent;
        this.changed(item);
      },
      onSuccess: () => this.#arrived(item).catch((/** @type {unknown} */ error) => this.#failed(item, error)),
      onError: (error) => this.#failed(item, error),
    });
  }

  /** @param {Item} item */
  async #arrived(item) {
    if (!item.fileId && item.upload?.url) {
      const answer = await fetch(item.upload.url);
      item.fileId = (await answer.json()).fileId ?? "";
    }
    if (!item.fileId) throw new Error(this.sentences.line);
    this.#sending.delete(item);
    item.sent = item.size;
    item.state = "done";
    this.changed(item);
    this.#next();
  }

  /** @param {Item} item @param {unknown} error */
  #failed(item, error) {
    if (!this.#sending.delete(item)) return;
    const response = error instanceof Error && "originalResponse" in error ? /** @type {any} */ (error).originalResponse : null;
    item.state = "failed";
    item.lineFailed = !response;
    item.error = sentenceOf(response?.getBody() ?? "") || this.sentences.line;
    this.changed(item);
    this.#next();
  }
}

/**
 * Return the sentence of a refusal; "" if it has none.
 *
 * @param {string} body
 */
export function sentenceOf(body) {
  try {
    const { detail } = JSON.parse(body);
    return typeof detail === "string" ? detail : "";
  } catch {
    return "";
  }
}
