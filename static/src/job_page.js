/* The job page: the Job Log follows live, the rest of the page follows the job's state. */
import { byId } from "./dom.js";
import { startBootStreams } from "./job_page/boot_streams.js";
import { followEvents } from "./job_page/events_socket.js";
import { startExtend } from "./job_page/extend.js";
import { startFiles } from "./job_page/files/panel.js";
import { JobLog } from "./job_page/log.js";
import { StateFollower } from "./job_page/state.js";
import { startTerminals } from "./job_page/terminals.js";

const page = byId("job");
const panel = byId("job-log");
const log = new JobLog(panel);
const follower = new StateFollower(page.dataset.stateUrl ?? "");

startBootStreams();
startExtend();
startFiles();
startTerminals();
followEvents({
  url: panel.dataset.socketUrl ?? "",
  after: () => log.last,
  onEvent: (event) => {
    // Program output changes nothing but the log.
    if (log.add(event) && event.source !== "program") follower.changed();
  },
  onState: () => follower.changed(),
  onConnection: (state, wasLost) => {
    log.showConnection(state);
    if (state === "live" && wasLost) follower.changed();
  },
});
