/* The browser terminal: defines <headnode-terminals>, which makes a <headnode-terminal> for each shell. */
import "@xterm/xterm/css/xterm.css";
import "./terminal.css";
import { HeadnodeTerminal } from "./terminal/element.js";
import { HeadnodeTerminals } from "./terminal/terminals.js";

if (!customElements.get("headnode-terminal")) {
  customElements.define("headnode-terminal", HeadnodeTerminal);
  customElements.define("headnode-terminals", HeadnodeTerminals);
}
