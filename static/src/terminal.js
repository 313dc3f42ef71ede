/* The browser terminal: defines <headnode-terminal>. Loaded by pages that show one. */
import "@xterm/xterm/css/xterm.css";
import "./terminal.css";
import { HeadnodeTerminal } from "./terminal/element.js";

if (!customElements.get("headnode-terminal")) customElements.define("headnode-terminal", HeadnodeTerminal);
