"""Where the program on a head node does not answer, its files are read, and the program rests for a while."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.control import controller, head_node, teardown
from jobs.control.facts import STOP_LIMIT
from jobs.control.node_share import SHARES, ShareUsedUp, Talk
from jobs.models import Cluster, Job
from jobs.remote import command_runner, node_files
from jobs.remote.answer import RemoteFailed
from jobs.remote.command_runner import CommandState, CommandStatus
from jobs.states import Desired, Observed
from sshgateway.ssh.errors import CommandTimedOut, ConnectionLost, OutputTooLong
from tests.jobs.making import submitted_job

pytestmark = pytest.mark.django_db

PROGRAM = CommandStatus(CommandState.RUNNING, None, "", ["from the program"], 1, 1)
FILES = CommandStatus(CommandState.RUNNING, None, "", ["from the files"], 1, 1)
BROKEN = [RemoteFailed(3, b""), CommandTimedOut("not in time"), OutputTooLong("too much")]


class Node:
    """Says what the program and the files of a node answer, and counts the calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program: Exception | None = None
        self.files: Exception | None = None
        self.calls: list[str] = []
        monkeypatch.setattr(
            command_runner, "status", lambda *_: self.answer("program", self.program, PROGRAM)
        )
        monkeypatch.setattr(node_files, "status", lambda *_: self.answer("files", self.files, FILES))
        monkeypatch.setattr(head_node, "_resting_until", {})

    def answer(self, what: str, error: Exception | None, status: CommandStatus) -> CommandStatus:
        self.calls.append(what)
        if error is not None:
            raise error
        return status


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(monkeypatch)


@pytest.fixture
def cluster(alice: User) -> Cluster:
    return Cluster.objects.select_related("job__owner").get(job=submitted_job(alice))


@pytest.fixture
def status(cluster: Cluster) -> Callable[[], CommandStatus]:
    return lambda: head_node.status(cluster, None, 0)  # type: ignore[arg-type]  # nothing uses the connection


def warnings(cluster: Cluster) -> int:
    return cluster.job.events.filter(message__contains="does not run the portal's program").count()


@pytest.mark.parametrize("error", BROKEN)
def test_the_files_answer_for_a_broken_program(
    node: Node, cluster: Cluster, status: Callable[[], CommandStatus], error: Exception
) -> None:
    node.program = error
    assert status() == FILES
    assert status() == FILES
    assert node.calls == ["program", "files", "files"]
    assert warnings(cluster) == 1


def test_the_program_is_asked_again_later_and_the_log_is_not_repeated(
    node: Node, cluster: Cluster, status: Callable[[], CommandStatus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_node, "PROGRAM_REST_SECONDS", 0)
    node.program = BROKEN[0]
    assert [status(), status()] == [FILES, FILES]
    assert node.calls == ["program", "files"] * 2
    assert warnings(cluster) == 1
    node.program = None
    assert status() == PROGRAM


def test_a_lost_connection_says_nothing_about_the_program(
    node: Node, status: Callable[[], CommandStatus]
) -> None:
    node.program = ConnectionLost("broke")
    with pytest.raises(ConnectionLost):
        status()
    node.program = None
    assert status() == PROGRAM


def test_if_neither_answers_the_files_failure_is_told(
    node: Node, status: Callable[[], CommandStatus]
) -> None:
    node.program, node.files = BROKEN[0], CommandTimedOut("the files, too")
    for _ in range(2):
        with pytest.raises(CommandTimedOut, match="the files, too"):
            status()
    assert node.calls == ["program", "files", "files"]


def test_a_used_up_share_is_no_failure(cluster: Cluster, alice: User) -> None:
    held = [SHARES.taken(alice.pk, Talk.CALL) for _ in range(3)]
    for one in held:
        one.__enter__()
    try:
        with pytest.raises(ShareUsedUp), head_node.to_head(cluster):
            pass
    finally:
        for one in held:
            one.__exit__(None, None, None)


@pytest.mark.parametrize(("seconds", "is_given_up"), [(0, False), (3, False), (6, True)])
def test_a_terminated_cluster_whose_files_cannot_be_had_is_given_up(
    cluster: Cluster, seconds: float, is_given_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[str] = []
    monkeypatch.setattr(teardown, "give_up_collecting", lambda cluster, why: given_up.append(why))
    stopped_at = timezone.now() - STOP_LIMIT - timedelta(seconds=seconds)
    Job.objects.filter(pk=cluster.job_id).update(stop_requested_at=stopped_at)
    cluster.job.stop_requested_at = stopped_at
    cluster.desired_state, cluster.observed_state, cluster.failures = Desired.STOPPED, Observed.DRAINED, 9
    delay = controller._after_failure(cluster, CommandTimedOut("not in time"))
    assert given_up == (["not in time"] if is_given_up else [])
    assert delay <= controller.LONGEST_AFTER_STOP
