/* Types that no module can declare: events of htmx and of the portal's own elements, and what is put on `window`. */
import type { HeadnodeTerminal } from "./terminal/element.js";
import type { HeadnodeTerminals } from "./terminal/terminals.js";

interface TerminalEventMap {
  "headnode:state": CustomEvent<string>;
  "headnode:title": CustomEvent<string>;
  "headnode:bell": CustomEvent<undefined>;
  "headnode:ready": CustomEvent<import("./terminal/protocol.js").Ready>;
  "headnode:frame": CustomEvent<import("./terminal/protocol.js").Unknown>;
  "headnode:give-focus": CustomEvent<undefined>;
  "headnode:empty": Event;
}

declare global {
  interface HTMLElementEventMap extends TerminalEventMap {
    "headnode:theme": CustomEvent<undefined>;
    "headnode:choose-theme": CustomEvent<string>;
  }

  interface DocumentEventMap {
    formdata: FormDataEvent;
    "htmx:confirm": CustomEvent<{ elt: HTMLElement; issueRequest(skipConfirmation: boolean): void }>;
    "htmx:configRequest": CustomEvent<{ headers: Record<string, string> }>;
    "htmx:beforeSwap": CustomEvent<{ serverResponse: string; shouldSwap: boolean; xhr: XMLHttpRequest }>;
    "htmx:afterRequest": CustomEvent<{ elt: Element; successful: boolean }>;
    "htmx:sendError": Event;
    "htmx:responseError": Event;
  }

  interface HTMLElementTagNameMap {
    "headnode-terminal": HeadnodeTerminal;
    "headnode-terminals": HeadnodeTerminals;
  }

  interface Window {
    htmx: typeof import("htmx.org").default;
  }
}
