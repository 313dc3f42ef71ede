"""What to do next for a cluster. Pure: facts in, one step out.

The order of a cluster's life (mission B3): order the nodes, wait until each reported, log in to each, launch the
command, follow it, shut the compute nodes down, store the output files, then release the head node or keep it.
A stop or a failure skips to the end, by way of whatever still has to be saved. When nodes do not come up, the
cluster's policy says what becomes of it (`jobs.context.policy`). Before anything is destroyed, the report of how the
nodes came up is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.context import policy as policies
from jobs.context.plan import Policy
from jobs.context.policy import Action, NodeProgress
from jobs.lifetime.deadline import Reason
from jobs.states import Desired, Observed, Outcome

STOPPED_BY_OWNER = "User terminated"
OUT_OF_TIME = {
    Reason.WALLTIME: "Walltime exceeded",
    Reason.IDLE: "Idle limit reached",
    Reason.BUDGET: "Budget used up",
}
LIFE_OVER = "Longest life reached"
HOURS_OVER = "The hours of the cluster are over"
# Why a command was told to end, or people's time is over -> how the job ended, and what its status row says.
ENDINGS = {
    STOPPED_BY_OWNER: (Outcome.TERMINATED, "User Terminated"),
    HOURS_OVER: (Outcome.SUCCEEDED, "Its hours are over"),
    OUT_OF_TIME[Reason.WALLTIME]: (Outcome.WALLTIME, "Walltime exceeded"),
    OUT_OF_TIME[Reason.IDLE]: (Outcome.DEADLINE, "The idle limit was reached"),
    OUT_OF_TIME[Reason.BUDGET]: (Outcome.DEADLINE, "The budget was used up"),
    LIFE_OVER: (Outcome.DEADLINE, "The longest life of a cluster was reached"),
}


class Step(StrEnum):
    """One thing to do."""

    PROVISION = "provision"  # order the nodes
    WATCH_BOOT = "watch_boot"  # wait for nodes to report
    LEAVE_OUT = "leave_out"  # go on without nodes that did not come up
    HOLD = "hold"  # nodes did not come up: keep the others for the owner to look into
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
    REPORT = "report"  # store the report of how the nodes came up
    RELEASE = "release"  # take everything away
    WATCH_RELEASE = "watch_release"  # wait until it is gone
    WAIT_FOR_TRUST = "wait_for_trust"  # the head node showed another host key: nothing is said to it
    FAIL = "fail"  # it broke: say so, then release
    NOTHING = "nothing"  # it is over


# Where the next step speaks to the head node.
TALKS_TO_HEAD = (Observed.READY, Observed.EXECUTING, Observed.DRAINED)
# What destroys something, or is about to: the report comes first.
DESTROYS = (Step.LEAVE_OUT, Step.HOLD, Step.FAIL, Step.DRAIN, Step.RELEASE)

# Once nodes are left out, often because time was up, the portal has this long to log in to the others.
LOGIN_TIME = timedelta(minutes=2)
FORGOTTEN = "The provider does not know the cluster any more."


@dataclass(frozen=True)
class NodeFacts:
    """What is known of one node."""

    name: str
    state: str = "booting"
    reason: str = ""
    report: str = ""  # "", "ok" or "error"
    verified: bool = False
    registered: bool = False
    left_out: bool = False  # the cluster goes on without it
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
    deadline_at: datetime | None = None
    deadline_reason: str = ""
    launch_limit_at: datetime | None = None
    stop_limit_at: datetime | None = None  # how long a command that its owner stopped may take to end
    overrun_at: datetime | None = None  # how long one that ran into its deadline may
    trust_limit_at: datetime | None = None  # how long a distrusted head node is kept for an administrator
    policy: Policy = field(default_factory=Policy)
    reported: bool = True  # the report of how the nodes came up is stored, or given up


@dataclass(frozen=True)
class Decision:
    """The step, for FAIL, HOLD, STOP_COMMAND and CLOSE why, as a sentence, and for LEAVE_OUT which nodes.

    `by_deadline`: it holds only if the deadline was not moved meanwhile.
    """

    step: Step
    why: str = ""
    nodes: tuple[str, ...] = ()
    by_deadline: bool = False


def decide(facts: Facts) -> Decision:
    """The one next step for these facts."""
    if facts.observed == Observed.RELEASED:
        return Decision(Step.NOTHING)
    if facts.observed == Observed.RELEASING:
        return Decision(Step.WATCH_RELEASE)
    decision = _decide(facts)
    if decision.step in DESTROYS and facts.nodes and not facts.reported:
        return Decision(Step.REPORT)
    return decision


def _decide(facts: Facts) -> Decision:
    if facts.observed == Observed.HELD:
        return _held(facts)
    if facts.failed:
        return Decision(Step.RELEASE)
    if facts.observed in TALKS_TO_HEAD and any(n.name == "head" and n.distrusted for n in facts.nodes):
        return _distrusted(facts)
    return _BY_OBSERVED[facts.observed](facts)


def _absent(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED:
        return Decision(Step.RELEASE)
    return _too_old(facts) or Decision(Step.PROVISION)


def _too_old(facts: Facts) -> Decision | None:
    """Nothing that keeps going wrong may keep a cluster for ever."""
    if not _past(facts.deadline_at, facts):
        return None
    why = "The cluster was not ready when its deadline came."
    return Decision(Step.FAIL, why, by_deadline=True)


def _booting(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED:
        return Decision(Step.RELEASE)
    if not facts.provider_has_it:
        return Decision(Step.FAIL, FORGOTTEN)
    if too_old := _too_old(facts):
        return too_old
    counted = [node for node in facts.nodes if not node.left_out]
    for node in counted:
        if node.distrusted:
            return Decision(Step.FAIL, f"{node.name} showed another host key than it reported.")
    # The report counts, not what the provider says of it: the login that follows is the proof.
    standings = [NodeProgress(n.name, n.state, n.reason, n.report, n.registered) for n in counted]
    limit, left_out = facts.boot_limit_at, len(facts.nodes) - len(counted)
    if limit is not None and left_out:
        limit += LOGIN_TIME
    verdict = policies.decide_policy(facts.policy, standings, _past(limit, facts), left_out)
    return Decision(_BY_ACTION[verdict.action], verdict.why, verdict.nodes)


def _held(facts: Facts) -> Decision:
    """What is up stays until its owner has seen enough, its time is over, or nothing of it is up any more."""
    if facts.desired == Desired.STOPPED:
        return Decision(Step.RELEASE)
    if not facts.provider_has_it:
        return Decision(Step.RELEASE, FORGOTTEN)
    if _past(facts.deadline_at, facts):
        return Decision(Step.RELEASE, "The time to look into the nodes is over.", by_deadline=True)
    if not any(node.registered and node.state not in policies.GONE for node in facts.nodes):
        return Decision(Step.RELEASE, "No node is up any more.")
    return Decision(Step.KEEP)


def _ready(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED:
        return Decision(Step.SKIP_COMMAND)
    if ended := _broken(facts) or _too_old(facts):
        return ended
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
        return Decision(step, STOPPED_BY_OWNER)
    if _past(facts.deadline_at, facts):
        # What the command is asked is asked of its owner's own processes: they may refuse, and time is up.
        step = Step.ABANDON if _past(facts.overrun_at, facts) else Step.STOP_COMMAND
        return Decision(step, _out_of_time(facts), by_deadline=True)
    return Decision(Step.FOLLOW)


def _out_of_time(facts: Facts) -> str:
    return next((why for word, why in OUT_OF_TIME.items() if word == facts.deadline_reason), LIFE_OVER)


def _people(facts: Facts) -> Decision:
    """Nothing runs that would have to be ended in order: what people do on the cluster is theirs to end."""
    if facts.desired == Desired.STOPPED:
        return Decision(Step.CLOSE, STOPPED_BY_OWNER)
    if _past(facts.deadline_at, facts):
        why = HOURS_OVER if facts.deadline_reason == Reason.WALLTIME else _out_of_time(facts)
        return Decision(Step.CLOSE, why, by_deadline=True)
    return Decision(Step.STAND_BY)


def _executed(facts: Facts) -> Decision:
    return _head_gone(facts) or _given_up(facts) or Decision(Step.DRAIN)


def _drained(facts: Facts) -> Decision:
    return _head_gone(facts) or _given_up(facts) or Decision(Step.COLLECT)


def _given_up(facts: Facts) -> Decision | None:
    if _past(facts.deadline_at, facts):
        return Decision(Step.GIVE_UP, "not within the time that is allowed.", by_deadline=True)
    return None


def _past(limit: datetime | None, facts: Facts) -> bool:
    return limit is not None and facts.now >= limit


def _collected(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED or facts.auto_terminate:
        return Decision(Step.RELEASE)
    if _past(facts.deadline_at, facts):
        return Decision(Step.RELEASE, "The deadline of the kept head node has passed.", by_deadline=True)
    return _head_gone(facts) or Decision(Step.KEEP)


def _broken(facts: Facts) -> Decision | None:
    if not facts.provider_has_it:
        return Decision(Step.FAIL, FORGOTTEN)
    for node in facts.nodes:
        if node.state in policies.GONE and not node.left_out:
            why = f": {node.reason}" if node.reason else ""
            return Decision(Step.FAIL, f"{node.name} {node.state} while it ran{why}.")
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
        limits.append((facts.deadline_at, "its time to run"))
    for limit, what in limits:
        if limit is not None and facts.now >= limit:
            why = f"The head node showed another host key, nobody cleared the alarm, and {what} is over."
            return Decision(Step.FAIL, why)
    return Decision(Step.WAIT_FOR_TRUST)


def _head_gone(facts: Facts) -> Decision | None:
    if not facts.provider_has_it:
        return Decision(Step.FAIL, FORGOTTEN)
    for node in facts.nodes:
        if node.name == "head" and node.state in ("failed", "stopped"):
            return Decision(Step.FAIL, "The head node went down before it was released.")
    return None


_BY_ACTION = {
    Action.WAIT: Step.WATCH_BOOT,
    Action.GO: Step.VERIFY,
    Action.BACK_OUT: Step.FAIL,
    Action.HOLD: Step.HOLD,
    Action.LEAVE_OUT: Step.LEAVE_OUT,
}
_BY_OBSERVED = {
    Observed.ABSENT: _absent,
    Observed.BOOTING: _booting,
    Observed.READY: _ready,
    Observed.EXECUTING: _executing,
    Observed.EXECUTED: _executed,
    Observed.DRAINED: _drained,
    Observed.COLLECTED: _collected,
}
