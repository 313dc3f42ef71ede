/* The page that plays a recording: defines <headnode-replay>. */
import "@xterm/xterm/css/xterm.css";
import "./replay.css";
import { HeadnodeReplay } from "./replay/element.js";

if (!customElements.get("headnode-replay")) customElements.define("headnode-replay", HeadnodeReplay);
