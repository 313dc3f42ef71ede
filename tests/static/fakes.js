/* Small stand-ins for what a browser gives the scripts. Importing this file puts them in place. */

/** A page: where it is, in which language, and what its <template> elements say. */
class Page extends EventTarget {
  hidden = false;
  documentElement = { lang: "en", dataset: {} };

  getElementById() {
    return new globalThis.HTMLTemplateElement();
  }

  querySelector(selector) {
    return selector === "meta[name='csrf-token']" ? new globalThis.HTMLMetaElement() : null;
  }

  createElement() {
    return new Element();
  }
}

/** An element that has children and nothing else. */
export class Element {
  children = [];
  style = {};
  hidden = false;
  parent = null;

  get firstElementChild() {
    return this.children[0] ?? null;
  }

  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }

  append(...elements) {
    for (const element of elements) this.insertBefore(element, null);
  }

  insertBefore(element, before) {
    element.remove?.();
    this.children.splice(before ? this.children.indexOf(before) : this.children.length, 0, element);
    element.parent = this;
  }

  remove() {
    if (this.parent) this.parent.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }
}

/** A web storage. `broken`: it is switched off, as browsers let people do. */
export class Storage {
  values = new Map();
  broken = false;

  getItem(key) {
    if (this.broken) throw new Error("storage is off");
    return this.values.get(key) ?? null;
  }

  setItem(key, value) {
    if (this.broken) throw new Error("storage is off");
    this.values.set(key, value);
  }

  removeItem(key) {
    this.values.delete(key);
  }
}

/** A websocket whose other end is the test. */
export class Socket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  static all = [];

  readyState = Socket.CONNECTING;
  sent = [];

  constructor(url, protocol) {
    super();
    this.url = String(url);
    this.protocol = protocol;
    Socket.all.push(this);
  }

  static get last() {
    return Socket.all.at(-1);
  }

  send(data) {
    this.sent.push(bytesOf(data));
  }

  /** The connection is established. */
  open() {
    this.readyState = Socket.OPEN;
    this.#fire(new Event("open"));
  }

  /** A message arrives. */
  deliver(data) {
    this.#fire(Object.assign(new Event("message"), { data }));
  }

  close(code = 1000) {
    if (this.readyState === Socket.CLOSED) return;
    this.readyState = Socket.CLOSED;
    this.#fire(Object.assign(new Event("close"), { code }));
  }

  #fire(event) {
    this[`on${event.type}`]?.(event);
    this.dispatchEvent(event);
  }
}

/** The bytes of a view or a buffer. */
export function bytesOf(data) {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

function put(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

put("HTMLElement", Element);
put("HTMLMetaElement", class {
  content = "the-token";
});
// A template in which every sentence is its own name, followed by its placeholders.
put("HTMLTemplateElement", class {
  content = { querySelector: (selector) => ({ textContent: `${/="(.*)"/.exec(selector)[1]}` }) };
});
put("document", new Page());
put("window", Object.assign(new EventTarget(), {
  location: new URL("https://portal.example/jobs/Ab12cd/?tab=1"),
  matchMedia: () => ({ matches: false }),
}));
put("location", window.location);
put("navigator", { platform: "Linux x86_64", onLine: true });
put("localStorage", new Storage());
put("sessionStorage", new Storage());
put("WebSocket", Socket);
