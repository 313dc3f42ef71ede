"""What to do next for a cluster. Pure: facts in, one step out.

The order of a cluster's life (mission B3): order the nodes, wait until each reported, log in to each, launch the
command, follow it, shut the compute nodes down, store the output files, then release the head node or keep it.
A stop or a failure skips to the end, by way of whatever still has to be saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.states import Desired, Observed


class Step(StrEnum):
    """One thing to do."""

    PROVISION = "provision"  # order the nodes
    WATCH_BOOT = "watch_boot"  # wait for nodes to report
    VERIFY = "verify"  # log in to every node
    LAUNCH = "launch"  # start the command
    FOLLOW = "follow"  # see how the command does
    STOP_COMMAND = "stop_command"  # end the command, then follow
    STAND_BY = "stand_by"  # there is no command: people work on the cluster
    CLOSE = "close"  # their time is over
    SKIP_COMMAND = "skip_command"  # it was stopped before it began
    DRAIN = "drain"  # shut the compute nodes down
    COLLECT = "collect"  # store the output files
    ABANDON = "abandon"  # the command does not end: go on without it
    GIVE_UP = "give_up"  # the output files do not come: go on without them
    KEEP = "keep"  # the head node stays for its owner
    RELEASE = "release"  # take everything away
    WATCH_RELEASE = "watch_release"  # wait until it is gone
    WAIT_FOR_TRUST = "wait_for_trust"  # the head node showed another host key: nothing is said to it
    FAIL = "fail"  # it broke: say so, then release
    NOTHING = "nothing"  # it is over


# Where the next step speaks to the head node.
TALKS_TO_HEAD = (Observed.READY, Observed.EXECUTING, Observed.DRAINED)


@dataclass(frozen=True)
class NodeFacts:
    """What is known of one node."""

    name: str
    state: str = "booting"
    reason: str = ""
    report: str = ""  # "", "ok" or "error"
    verified: bool = False
    distrusted: bool = False  # it showed another host key than it reported


@dataclass(frozen=True)
class Facts:
    """Everything the decision looks at."""

    desired: Desired
    observed: Observed
    now: datetime
    nodes: Sequence[NodeFacts] = ()
    provider_has_it: bool = True
    failed: bool = False
    auto_terminate: bool = True
    has_command: bool = True  # without one the cluster is for people, until its walltime is over
    boot_limit_at: datetime | None = None
    walltime_at: datetime | None = None
    deadline_at: datetime | None = None
    launch_limit_at: datetime | None = None
    stop_limit_at: datetime | None = None  # how long a command that its owner stopped may take to end
    overrun_at: datetime | None = None  # how long one that ran into its walltime may
    collect_limit_at: datetime | None = None
    trust_limit_at: datetime | None = None  # how long a distrusted head node is kept for an administrator


@dataclass(frozen=True)
class Decision:
    """The step, and for FAIL, STOP_COMMAND and CLOSE why, as a sentence."""

    step: Step
    why: str = ""


def decide(facts: Facts) -> Decision:
    """The one next step for these facts."""
    if facts.observed == Observed.RELEASED:
        return Decision(Step.NOTHING)
    if facts.observed == Observed.RELEASING:
        return Decision(Step.WATCH_RELEASE)
    if facts.failed:
        return Decision(Step.RELEASE)
    if facts.observed in TALKS_TO_HEAD and any(n.name == "head" and n.distrusted for n in facts.nodes):
        return _distrusted(facts)
    return _BY_OBSERVED[facts.observed](facts)


def _absent(facts: Facts) -> Decision:
    return Decision(Step.RELEASE if facts.desired == Desired.STOPPED else Step.PROVISION)


def _booting(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED:
        return Decision(Step.RELEASE)
    if broken := _broken(facts, during="while it booted"):
        return broken
    for node in facts.nodes:
        if node.distrusted:
            return Decision(Step.FAIL, f"{node.name} showed another host key than it reported.")
        if node.report == "error":
            return Decision(Step.FAIL, f"{node.name} reported an error from its contextualization.")
    # The report counts, not what the provider says of it: the login that follows is the proof.
    up = bool(facts.nodes) and all(node.report == "ok" for node in facts.nodes)
    if facts.boot_limit_at is not None and facts.now >= facts.boot_limit_at:
        silent = ", ".join(node.name for node in facts.nodes if node.report != "ok")
        why = f"These nodes did not report in time: {silent}." if silent else "No login in time."
        return Decision(Step.FAIL, why)
    return Decision(Step.VERIFY if up else Step.WATCH_BOOT)


def _ready(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED:
        return Decision(Step.SKIP_COMMAND)
    if broken := _broken(facts):
        return broken
    if _past(facts.launch_limit_at, facts):
        what = (
            "The command could not be launched"
            if facts.has_command
            else "The work directory could not be made"
        )
        return Decision(Step.FAIL, f"{what} in time.")
    return Decision(Step.LAUNCH)


def _executing(facts: Facts) -> Decision:
    if broken := _broken(facts):
        return broken
    if not facts.has_command:
        return _people(facts)
    if facts.desired == Desired.STOPPED:
        step = Step.ABANDON if _past(facts.stop_limit_at, facts) else Step.STOP_COMMAND
        return Decision(step, "User terminated")
    if _past(facts.walltime_at, facts):
        # What the command is asked is asked of its owner's own processes: they may refuse, and time is up.
        step = Step.ABANDON if _past(facts.overrun_at, facts) else Step.STOP_COMMAND
        return Decision(step, "Walltime exceeded")
    return Decision(Step.FOLLOW)


def _people(facts: Facts) -> Decision:
    """Nothing runs that would have to be ended in order: what people do on the cluster is theirs to end."""
    if facts.desired == Desired.STOPPED:
        return Decision(Step.CLOSE, "User terminated")
    if _past(facts.walltime_at, facts):
        return Decision(Step.CLOSE, "The hours of the cluster are over")
    return Decision(Step.STAND_BY)


def _executed(facts: Facts) -> Decision:
    return _head_gone(facts) or _given_up(facts) or Decision(Step.DRAIN)


def _drained(facts: Facts) -> Decision:
    return _head_gone(facts) or _given_up(facts) or Decision(Step.COLLECT)


def _given_up(facts: Facts) -> Decision | None:
    if _past(facts.collect_limit_at, facts):
        return Decision(Step.GIVE_UP, "not within the time that is allowed.")
    return None


def _past(limit: datetime | None, facts: Facts) -> bool:
    return limit is not None and facts.now >= limit


def _collected(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED or facts.auto_terminate:
        return Decision(Step.RELEASE)
    if facts.deadline_at is not None and facts.now >= facts.deadline_at:
        return Decision(Step.RELEASE, "The deadline of the kept head node has passed.")
    return _head_gone(facts) or Decision(Step.KEEP)


def _broken(facts: Facts, during: str = "while it ran") -> Decision | None:
    if not facts.provider_has_it:
        return Decision(Step.FAIL, "The provider does not know the cluster any more.")
    for node in facts.nodes:
        if node.state in ("failed", "stopped"):
            why = f": {node.reason}" if node.reason else ""
            return Decision(Step.FAIL, f"{node.name} {node.state} {during}{why}.")
    return None


def _distrusted(facts: Facts) -> Decision:
    """Nothing may be said to the head node. Wait for an administrator, but neither for ever nor against the owner."""
    if gone := _head_gone(facts):
        return gone
    if facts.desired == Desired.STOPPED:
        return Decision(
            Step.RELEASE,
            "The cluster is taken away as it is: the head node showed another host key, so neither its command "
            "could be ended in order nor its files be fetched.",
        )
    limits = [(facts.trust_limit_at, "the time to look into it")]
    if facts.observed == Observed.EXECUTING:
        limits.append((facts.walltime_at, "its walltime"))
    for limit, what in limits:
        if limit is not None and facts.now >= limit:
            why = f"The head node showed another host key, nobody cleared the alarm, and {what} is over."
            return Decision(Step.FAIL, why)
    return Decision(Step.WAIT_FOR_TRUST)


def _head_gone(facts: Facts) -> Decision | None:
    if not facts.provider_has_it:
        return Decision(Step.FAIL, "The provider does not know the cluster any more.")
    for node in facts.nodes:
        if node.name == "head" and node.state in ("failed", "stopped"):
            return Decision(Step.FAIL, "The head node went down before it was released.")
    return None


_BY_OBSERVED = {
    Observed.ABSENT: _absent,
    Observed.BOOTING: _booting,
    Observed.READY: _ready,
    Observed.EXECUTING: _executing,
    Observed.EXECUTED: _executed,
    Observed.DRAINED: _drained,
    Observed.COLLECTED: _collected,
}
