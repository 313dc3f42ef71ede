"""What `jobs.remote` promises on a head node: on a real node of the simulator, and on the fake of the loop's tests."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from jobs.remote import command_runner
from jobs.remote.answer import RemoteFailed
from jobs.remote.archive_limits import ArchiveLimits
from jobs.remote.command_runner import CommandState, CommandStatus, Step, StepKind
from jobs.storage.output_collection import MAX_ENTRIES
from sshgateway.certificates.authorities import user_authority_lines
from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh import transport
from sshgateway.ssh.errors import CommandTimedOut, HostKeyChanged, Unreachable
from sshgateway.ssh.targets import Target
from tests.contracts.clouds import order_of
from tests.factories import public_key
from tests.fakes.cloud import Machines, PlannedEvent, World
from tests.fakes.connections import command_hangs, connect_in, program_fails
from tests.fakes.head_node import HeadNode
from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.django_db
NUMBERS = itertools.count(1)
ENV = {"NAME": "value"}
LIMITS = ArchiveLimits(bytes=10**6)


class NodeUnderTest(Protocol):
    """A head node that is up, and what the tests must be able to do to it."""

    target: Target

    def connect(self, target: Target | None = None) -> AbstractContextManager[Any]:
        """Connect as the portal does."""
        ...

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Let time pass until the condition is true."""
        ...

    def print_lines(self, count: int) -> str:
        """Return a command that prints `line 0` and so on, and runs until it is stopped."""
        ...

    def reboot(self) -> None:
        """End every process on the node; its files stay."""
        ...

    def break_program(self) -> None:
        """Let the program fail on this node."""
        ...

    def hang(self) -> None:
        """Let the next command hang."""
        ...

    def unplug(self) -> None:
        """Let the node be gone."""
        ...


class RealNode:
    """A node of the simulator; its program is started over SSH, with a certificate of the portal's."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        node = cluster.nodes()["head"]
        keys = cluster.simulator.broker.registered[f"{cluster.user}/head"]["host_keys"]
        self.target = Target(
            node["address"], node["port"], cluster.user, tuple(keys), "head", "job:contract", "head"
        )

    def connect(self, target: Target | None = None) -> AbstractContextManager[Any]:
        credential = issue_credential(self.cluster.user, for_whom="the contract tests")
        return transport.connect(target or self.target, credential=credential, timeout=LIMIT)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        wait_for(condition, what)

    def print_lines(self, count: int) -> str:
        # Its end takes a while: the answer to a stop is asked for before it.
        printing = f"i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done"
        return f"trap 'sleep 1; exit 143' TERM; {printing}; sleep 600"

    def run(self, command: str) -> None:
        with self.connect() as connection:
            assert connection.run(command).exit_status == 0

    def reboot(self) -> None:
        self.run("kill -9 $(cat ~/.headnode/began)")

    def break_program(self) -> None:
        self.run("touch ~/.headnode")

    def hang(self) -> None:
        self.run("mkdir -p ~/.headnode && mkfifo ~/.headnode/began")

    def unplug(self) -> None:
        self.cluster.simulator.http.delete(self.cluster.path)
        self.until(
            lambda: self.cluster.simulator.http.get(self.cluster.path).status_code == 404, "it is gone"
        )


class NodeInMemory:
    """The fake, in a world of its own."""

    address = "127.20.0.7"

    def __init__(self) -> None:
        self.world = World(datetime.now(UTC))
        self.head = HeadNode()
        order = order_of("Fake01", 0, "portal", "http://127.0.0.1:1/")
        machines = Machines(order, self.world.now, {"head": "running"}, self.world, head=self.head)
        machines.addresses[self.address] = "head"
        self.world.clusters["Fake01"] = machines
        self.target = Target(
            self.address, 32100, "uprod_Fake01", (public_key(),), "head", "job:contract", "head"
        )
        self._lines = 0

    def connect(self, target: Target | None = None) -> AbstractContextManager[Any]:
        wanted = target or self.target
        self.head.shows_another_key = wanted.host_keys != self.target.host_keys
        return connect_in(self.world)(wanted, credential=None, timeout=10)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        for _ in range(10):
            if self.head.is_running and self._lines:
                self.head.lines += [f"line {number}" for number in range(self._lines)]
                self._lines = 0
            if condition():
                return
        raise AssertionError(f"Not within 10 calls: {what}")

    def print_lines(self, count: int) -> str:
        self._lines = count
        return "as many lines as the test wants"

    def reboot(self) -> None:
        self.head.lose_power()

    def break_program(self) -> None:
        program_fails(self.world)

    def hang(self) -> None:
        self.world.planned.append(PlannedEvent("ssh", 3, command_hangs))

    def unplug(self) -> None:
        del self.world.clusters["Fake01"]


@pytest.fixture(scope="module")
def node_simulator(simulators: Callable[..., Simulator]) -> Simulator:
    """A simulator whose nodes trust the portal of these tests."""
    return simulators(HEADNODE_SIMULATOR_CAPACITY="emerald=1000")


@pytest.fixture(params=["real node", "fake"])
def node(request: pytest.FixtureRequest, db: None) -> Iterator[NodeUnderTest]:
    """Each kind of head node in turn, new for each test."""
    if request.param == "fake":
        yield NodeInMemory()
        return
    simulator: Simulator = request.getfixturevalue("node_simulator")
    simulator.broker.context["user_authorities"] = user_authority_lines()
    cluster = simulator.create(f"Rem{next(NUMBERS):03}", computes=0)
    yield RealNode(cluster)
    simulator.http.delete(cluster.path)


def status(node: NodeUnderTest, offset: int = 0) -> CommandStatus:
    with node.connect() as connection:
        return command_runner.status(connection, offset)


def prepare(node: NodeUnderTest) -> None:
    with node.connect() as connection:
        command_runner.prepare(connection, {"machinefile": "head:1\n"})


def start(node: NodeUnderTest, command: str) -> None:
    prepare(node)
    with node.connect() as connection:
        command_runner.start(connection, [Step(0, StepKind.COMMAND, command, "", ENV)])


def stop(node: NodeUnderTest, why: str) -> CommandStatus:
    with node.connect() as connection:
        return command_runner.stop(connection, why, 0)


def everything_printed(node: NodeUnderTest) -> tuple[list[str], int]:
    """Return all lines so far, as the loop reads them, and the last offset."""
    lines: list[str] = []
    found = status(node)
    while found.lines:
        lines += found.lines
        found = status(node, found.offset)
    return lines, found.offset


def test_before_it_is_started_there_is_nothing(node: NodeUnderTest) -> None:
    nothing = CommandStatus(CommandState.NONE, None, "", [], 0, 0)
    assert status(node) == nothing
    prepare(node)
    assert status(node) == nothing


def test_right_after_the_start_it_is_running_or_not_yet(node: NodeUnderTest) -> None:
    start(node, node.print_lines(1))
    assert status(node).state in (CommandState.NONE, CommandState.RUNNING)
    node.until(lambda: status(node).state == CommandState.RUNNING, "it runs")
    running = status(node)
    assert (running.exit_code, running.why) == (None, "")


def test_the_output_comes_in_whole_lines_and_offsets_are_bytes(node: NodeUnderTest) -> None:
    start(node, node.print_lines(40))
    node.until(
        lambda: status(node).size and everything_printed(node)[0][-1].endswith("line 39"), "it printed"
    )
    lines, offset = everything_printed(node)
    assert offset == status(node).size == sum(len(f"{line}\n".encode()) for line in lines)
    assert "Process output follows:" in lines[0]
    assert [line.rpartition("line ")[2] for line in lines[1:]] == [str(number) for number in range(40)]
    part = status(node, len(f"{lines[0]}\n".encode()))
    assert part.lines == lines[1 : 1 + len(part.lines)]
    assert part.has_more == (part.offset < part.size)
    past = status(node, offset)
    assert (past.lines, past.offset, past.has_more) == ([], offset, False)


def test_starting_again_runs_nothing_twice(node: NodeUnderTest) -> None:
    start(node, node.print_lines(1))
    start(node, node.print_lines(0))
    node.until(lambda: status(node).state == CommandState.RUNNING, "it runs")
    start(node, node.print_lines(0))
    launched = [line for line in everything_printed(node)[0] if "Process output follows:" in line]
    assert len(launched) == 1


def test_a_stopped_command_ends_in_its_own_time_with_the_first_reason(node: NodeUnderTest) -> None:
    start(node, node.print_lines(0))
    node.until(lambda: status(node).state == CommandState.RUNNING, "it runs")
    asked = stop(node, "User terminated")
    assert (asked.state, asked.exit_code, asked.why) == (CommandState.RUNNING, None, "")
    stop(node, "Another reason")
    node.until(lambda: status(node).state == CommandState.ENDED, "it ended")
    ended = status(node)
    assert (ended.exit_code, ended.why) == (143, "User terminated")
    assert everything_printed(node)[0][-1].endswith("Exited with code 143")


def test_what_is_stopped_before_it_was_started(node: NodeUnderTest) -> None:
    prepare(node)
    assert stop(node, "User terminated").state == CommandState.NONE
    start(node, node.print_lines(0))
    node.until(lambda: status(node).state == CommandState.ENDED, "it ended")
    assert status(node).why == "User terminated"


def test_a_command_whose_node_was_rebooted_is_lost_and_not_repeated(node: NodeUnderTest) -> None:
    start(node, node.print_lines(0))
    node.until(lambda: status(node).state == CommandState.RUNNING, "it runs")
    node.reboot()
    node.until(lambda: status(node).state == CommandState.LOST, "it is lost")
    start(node, node.print_lines(0))
    assert status(node).state == CommandState.LOST


def test_the_listing_has_the_log_and_its_size_and_sftp_reads_it(node: NodeUnderTest) -> None:
    prepare(node)
    with node.connect() as connection:
        empty = command_runner.listing(connection, MAX_ENTRIES)
    assert (empty.files, empty.skipped, empty.more) == ([], [], False)
    start(node, node.print_lines(3))
    node.until(lambda: status(node).size and everything_printed(node)[0][-1].endswith("line 2"), "it printed")
    home = f"/enc/{node.target.principal}"
    with node.connect() as connection, connection.sftp() as sftp:
        [log] = command_runner.listing(connection, MAX_ENTRIES).files
        assert (log.path, log.size) == (b"process_output.log", status(node).size)
        assert log.modified > 0
        with sftp.open(f"{home}/work/{log.path.decode()}", "rb") as file:
            data = b"".join(file.readv([(0, 10), (10, log.size - 10)]))
        assert len(data) == log.size
        assert data.decode().splitlines() == everything_printed(node)[0]
        with pytest.raises(FileNotFoundError):
            sftp.open(f"{home}/work/nothing", "rb")


def test_archives_that_are_not_there_are_named(node: NodeUnderTest) -> None:
    prepare(node)
    with node.connect() as connection:
        assert command_runner.unpack(connection, ["mesh.dat"], LIMITS) == {}
        refused = command_runner.unpack(connection, ["case.zip", "mesh.dat"], LIMITS)
    assert list(refused) == ["case.zip"]
    assert refused["case.zip"]


def test_a_program_that_fails_says_why(node: NodeUnderTest) -> None:
    node.break_program()
    with node.connect() as connection, pytest.raises(RemoteFailed) as failed:
        command_runner.prepare(connection, {})
    assert "Error" in failed.value.stderr
    assert "exit status 1" in str(failed.value)


def test_a_command_that_hangs_is_given_up(node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_runner, "TIMEOUT_SECONDS", 1.0)
    node.hang()
    with pytest.raises(CommandTimedOut) as hung:
        status(node)
    assert hung.value.retryable


def test_another_host_key_is_no_connection(node: NodeUnderTest) -> None:
    other = Target(**{**vars(node.target), "host_keys": (public_key(),)})
    with pytest.raises(HostKeyChanged) as changed:
        node.connect(other)
    assert changed.value.shown.startswith("SHA256:")
    assert not changed.value.retryable
    assert status(node).state == CommandState.NONE


def test_a_node_that_is_gone_is_unreachable(node: NodeUnderTest) -> None:
    node.unplug()
    with pytest.raises(Unreachable) as gone:
        node.connect()
    assert gone.value.retryable
