/* Functions that are called once with each <headnode-terminal> when it is built.
 *
 * They may listen on it: "headnode:ready" (detail: READY, with whatever fields the portal added), "headnode:frame"
 * (detail: {opcode, payload} of a frame that is unknown to session.js), "headnode:state" (its dataset.state changed); and
 * use `terminal.indicators`, `terminal.banners`, `terminal.letType(false)` and `terminal.session.id`.
 */
import { countDown } from "./idle.js";
import { showPresence } from "./sharing/presence_signs.js";

export const extensions = [showPresence, countDown];
