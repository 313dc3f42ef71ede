"""What must hold at every moment of a cluster's life, whatever happens to the loop."""

from collections import Counter

from hypothesis.stateful import RuleBasedStateMachine, invariant

from jobs.events import history
from jobs.models import Cluster, ClusterStatus, Job, JobEvent, JobStatus
from jobs.states import ClusterState, JobState, Observed
from tests.fakes.cloud import World
from tests.fakes.head_node import HeadNode
from tests.jobs.cluster_rows import check_row

played: Counter[str] = Counter()
# Messages that a life has at most once, whichever worker was killed or slept.
ONCE = (
    "Job submitted",
    "Ordering ",
    "Order accepted",
    "Logged in to ",
    "Instance ready",
    "Launched the command",
    "The command ended",
    "Stored the report",
    "Stored ",
    "Output files could not be fetched",
    "Job completed",
    "The cluster is shut down",
)


class Promises(RuleBasedStateMachine):
    """A state machine that checks them after each of its steps, on the jobs it has submitted."""

    world: World
    jobs: list[Job]

    def __init__(self) -> None:
        super().__init__()
        self.checked: dict[str, int] = {}
        self.furthest: dict[str, int] = {}

    @invariant()
    def no_command_runs_twice(self) -> None:
        played["steps"] += 1
        assert all(head.began <= 1 for head in self.world.heads.values())

    @invariant()
    def every_job_log_is_complete(self) -> None:
        for job in self.jobs:
            cluster = Cluster.objects.select_related("job").get(job=job)
            last, status = cluster.job.last_sequence, cluster.observed_state
            self.no_status_goes_back(job)
            reached = list(Observed).index(Observed(status))
            assert reached >= self.furthest.get(job.pk, 0), f"it went back to {status}"
            self.furthest[job.pk] = reached
            if self.checked.get(job.pk) != last:
                self.checked[job.pk] = last
                self.no_event_is_missing_or_double(job, last)
            check_row(cluster)

    def no_event_is_missing_or_double(self, job: Job, last: int) -> None:
        rows = JobEvent.objects.filter(job=job).order_by("sequence")
        found = list(rows.values_list("sequence", "source", "message"))
        assert [number for number, _, _ in found] == list(range(1, last + 1))
        head = self.world.heads.get(job.cluster.pk, HeadNode())
        matching = ([start for start in ONCE if message.startswith(start)] for _, _, message in found)
        begun = Counter(max(starts, key=len) for starts in matching if starts)
        assert max(begun.values(), default=0) <= 1, begun
        printed = [message for _, source, message in found if source == "program"]
        assert printed == head.lines[: len(printed)]

    def no_status_goes_back(self, job: Job) -> None:
        came = JobStatus.objects.filter(job=job).order_by("pk").values_list("status", flat=True)
        ranks = [history.JOB_ORDER.index(JobState(status)) for status in came]
        assert ranks == sorted(set(ranks)), list(came)
        went = (
            ClusterStatus.objects.filter(cluster=job.cluster).order_by("pk").values_list("status", flat=True)
        )
        ranks = [history.CLUSTER_ORDER.index(ClusterState(status)) for status in went]
        assert ranks == sorted(set(ranks)), list(went)
