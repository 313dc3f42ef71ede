/* What else takes part in a terminal: functions called once with each <headnode-terminal> when it is built.
 *
 * They may listen on it: "headnode:ready" (detail: READY, with whatever fields the portal added), "headnode:frame"
 * (detail: {opcode, payload} of a frame session.js does not know), "headnode:state" (its dataset.state changed); and
 * use `terminal.indicators`, `terminal.banners`, `terminal.letType(false)` and `terminal.session.id`.
 */
import { countDown } from "./idle.js";
import { attend } from "./sharing/attend.js";

export const extensions = [attend, countDown];
