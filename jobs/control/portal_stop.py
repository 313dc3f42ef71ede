"""Say in the Job Logs that nodes and commands end because `make run` ends: the simulated cloud is a part of it.

A provider elsewhere does not notice that a portal is stopped, so its clusters are not told of.
"""

from jobs.events import job_log
from jobs.models import Cluster
from jobs.states import NOT_AT_PROVIDER, JobState, LogLevel, LogSource, Observed

SIMULATED = "simulated"
COMMAND_ENDS = (
    "Headnode is being stopped, and with it the simulated cloud: the command ends here. When Headnode runs again, the "
    "nodes boot again with the files that they have now; the command is not started a second time."
)
NODES_END = (
    "Headnode is being stopped, and with it the simulated cloud: the nodes go down. When Headnode runs again, they "
    "boot again with the files that they have now."
)


def note_stop() -> int:
    """Tell every job whose nodes end, and return how many there are."""
    clusters = Cluster.objects.filter(provider=SIMULATED).exclude(observed_state__in=NOT_AT_PROVIDER)
    count = 0
    for cluster in clusters.select_related("job"):
        is_running = cluster.observed_state == Observed.EXECUTING and cluster.job.command
        job_log.append(
            cluster.job,
            LogSource.PORTAL,
            COMMAND_ENDS if is_running else NODES_END,
            level=LogLevel.WARNING,
            stage=JobState.EXECUTING if is_running else "",
        )
        count += 1
    return count
