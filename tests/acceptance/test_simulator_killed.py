"""kill -9 of the simulator ends no command; the end of `make run` ends everything, and each job says why."""

import secrets
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.people import Person, with_token
from tests.jobs.simulator.simulator_process import children_of, command_of
from tests.stack import Stack, alive, processes_of, running
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance
# Of this run alone: another on this machine has its own.
MARK = str(secrets.randbelow(9 * 10**8) + 10**8)
COUNTS = "for n in $(seq 1 {last}); do echo line $n; sleep 0.05; done; echo done"


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A folder for portals that come one after the other."""
    return tmp_path / "var"


def lines(person: Person, job: str) -> list[str]:
    """What the command printed."""
    printed = [event["message"] for event in person.events(job) if event["source"] == "program"]
    return [line.partition("]: ")[2] for line in printed if "]: line " in line]


def wait_for_more_than(seen: int, person: Person, job: str) -> None:
    """Wait until the command has printed more."""
    wait_for(lambda: len(lines(person, job)) > seen, "it prints on")


def nodes_of(stack: Stack) -> list[int]:
    """The processes of all nodes: launchers, sandboxes, agents and what runs in them."""
    return children_of(stack.pids["simulator"])


def test_a_command_goes_on_and_the_end_of_make_run_leaves_nothing(var: Path) -> None:
    """kill -9 of the simulator ends no command; SIGTERM of `make run` ends what survived it."""
    with running(var) as stack:
        person = with_token(stack)
        job = person.submit(COUNTS.format(last=300), slots=2)
        wait_for(lambda: lines(person, job), "the command prints")
        for _ in range(2):
            seen = len(lines(person, job))
            stack.kill("simulator")
            wait_for_more_than(seen, person, job)
        person.wait_for_cluster(job, "Stopped", 4 * LIMIT)
        found = person.get(f"/api/v2/jobs/{job}/")
        assert (found["outcome"], found["outcomeReason"]) == ("succeeded", "Completed successfully")
        assert lines(person, job) == [f"line {number}" for number in range(1, 301)]
        end_with_nodes_that_survived(stack, signal.SIGTERM)


def test_jobs_say_why_their_commands_ended_and_a_killed_make_run_leaves_nothing(var: Path) -> None:
    """SIGINT is Ctrl-C; kill -9 of `make run` itself leaves no node either."""
    with running(var) as stack:
        person = with_token(stack)
        job = person.submit(f"sleep {MARK}", slots=2)
        person.wait_for_message(job, "Launched the command")
        processes = nodes_of(stack)
        assert any("agent.pyc" in command_of(pid) for pid in processes)
        stack.supervisor.send_signal(signal.SIGINT)
        stack.supervisor.wait(LIMIT)
        assert not [command_of(pid) for pid in processes if alive(pid)]
    with running(var) as stack:
        person = with_token(stack)
        person.wait_for_cluster(job, "Stopped", 4 * LIMIT)
        story = person.messages(job)
        assert "Headnode is being stopped, and with it the simulated cloud: the command ends here." in story
        assert story.index("Headnode is being stopped") < story.index("The command was interrupted")
        end_with_nodes_that_survived(stack, signal.SIGKILL)


def end_with_nodes_that_survived(stack: Stack, number: int) -> None:
    """End `make run` by a signal while nodes live whose simulator was killed: nothing of them may be left."""
    person = with_token(stack)
    job = person.submit(f"sleep {MARK}")
    person.wait_for_message(job, "Launched the command")
    processes = nodes_of(stack)
    for _ in range(3):
        stack.kill("simulator")
    assert [pid for pid in processes if alive(pid) and "agent.pyc" in command_of(pid)]
    processes += nodes_of(stack)
    stack.supervisor.send_signal(number)
    stack.supervisor.wait(LIMIT)
    wait_for(lambda: not any(map(alive, processes)), "no process of a node is left")
    wait_for(lambda: not processes_of(stack.var), "nothing of the portal is left")
    assert MARK not in subprocess.run(["ps", "ax", "-o", "args="], capture_output=True, text=True).stdout
