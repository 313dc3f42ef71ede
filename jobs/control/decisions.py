"""Decide what to do next for a cluster. Pure: facts in, one step out.

The order of a cluster's life: order the nodes, wait until each has reported, log in to each, launch the command,
follow it, shut the compute nodes down, store the output files, then release the head node or keep it. A stop or a
failure skips to the end, except that what can still be saved is saved: as long as the head node is well, the output
files are stored although a compute node died. If nodes do not come up, the cluster's policy
decides (`jobs.context.boot_policy`). Before anything is destroyed, the report of how the nodes came up is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.context import boot_policy
from jobs.context.boot_policy import BootAction, NodeProgress
from jobs.context.context_plan import ContextPolicy
from jobs.control import cluster_end_reasons
from jobs.control.cluster_end_reasons import ClusterEndReason
from jobs.lifetime.deadline import DeadlineReason
from jobs.states import NODE_DOWN, Desired, NodeState, Observed


class Step(StrEnum):
    """One thing to do."""

    PROVISION = "provision"  # order the nodes
    WATCH_BOOT = "watch_boot"  # wait for nodes to report
    LEAVE_OUT = "leave_out"  # continue without nodes that did not come up
    HOLD = "hold"  # nodes did not come up: keep the others for the owner to debug
    VERIFY = "verify"  # log in to every node
    LAUNCH = "launch"  # start the command
    FOLLOW = "follow"  # read the command's status and output
    STOP_COMMAND = "stop_command"  # ask the command to end, then follow
    STAND_BY = "stand_by"  # there is no command: people work on the cluster
    CLOSE = "close"  # the time of a cluster without a command is over
    SKIP_COMMAND = "skip_command"  # it was stopped before the command started
    DRAIN = "drain"  # shut the compute nodes down
    COLLECT = "collect"  # store the output files
    ABANDON = "abandon"  # the command does not end: continue without it
    GIVE_UP = "give_up"  # the output files cannot be fetched: continue without them
    KEEP = "keep"  # the head node stays up for its owner
    COLLECT_REST = "collect_rest"  # store what is new on a kept head node, then begin to remove everything
    REPORT = "report"  # store the report of how the nodes came up
    RELEASE = "release"  # begin to remove everything
    WATCH_RELEASE = "watch_release"  # ask the provider to remove everything until it has
    WAIT_FOR_TRUST = "wait_for_trust"  # the head node showed another host key: do not talk to it
    FAIL = "fail"  # record the failure; the next step releases
    NOTHING = "nothing"  # the cluster has ended


# States in which the next step talks to the head node.
TALKS_TO_HEAD = (Observed.READY, Observed.EXECUTING, Observed.DRAINED)
# Steps that destroy something, or are about to: the report is stored first.
DESTROYS = (Step.LEAVE_OUT, Step.HOLD, Step.FAIL, Step.DRAIN, Step.RELEASE)

# After nodes are left out, often because time is up, the portal has this long to log in to the others.
LOGIN_TIME = timedelta(minutes=2)
FORGOTTEN = "The provider does not know the cluster any more."


@dataclass(frozen=True)
class NodeFacts:
    """What is known of one node."""

    name: str
    state: str = NodeState.BOOTING
    reason: str = ""
    report: str = ""  # "", "ok" or "error"
    verified: bool = False
    registered: bool = False
    left_out: bool = False  # the cluster continues without it
    distrusted: bool = False  # it showed a host key other than the one it reported


@dataclass(frozen=True)
class Facts:
    """Everything a decision depends on."""

    desired: Desired
    observed: Observed
    now: datetime
    nodes: Sequence[NodeFacts] = ()
    provider_has_it: bool = True
    failed: bool = False
    auto_terminate: bool = True
    kept: bool = False  # its owner may have worked on the head node since the output files were stored
    has_command: bool = True  # without one, people use the cluster until its walltime is over
    boot_limit_at: datetime | None = None
    deadline_at: datetime | None = None
    deadline_reason: str = ""
    launch_limit_at: datetime | None = None
    stop_limit_at: datetime | None = None  # until when a command that its owner stopped may take to end
    overrun_at: datetime | None = None  # until when one that reached its deadline may take to end
    failure_limit_at: datetime | None = None  # until when one whose cluster failed may take to end
    rest_limit_at: datetime | None = None  # until when files of a kept head node may be stored before it goes
    trust_limit_at: datetime | None = None  # until when a distrusted head node waits for an administrator
    policy: ContextPolicy = field(default_factory=ContextPolicy)
    reported: bool = True  # the report of how the nodes came up is stored or given up


@dataclass(frozen=True)
class Decision:
    """The step; a reason for people where the step needs one; for LEAVE_OUT the nodes.

    `by_deadline`: the decision only holds if the deadline was not extended meanwhile.
    """

    step: Step
    why: str = ""
    nodes: tuple[str, ...] = ()
    by_deadline: bool = False


def decide(facts: Facts) -> Decision:
    """Return the one next step for these facts."""
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
        return _failed(facts)
    if facts.observed in TALKS_TO_HEAD and _is_distrusted(facts):
        return _distrusted(facts)
    return _DECISION_IN[facts.observed](facts)


def can_save_files(facts: Facts) -> bool:
    """Return whether a cluster that fails may have output files, and a head node that they can be fetched from."""
    has_files = facts.observed in (Observed.EXECUTING, Observed.EXECUTED, Observed.DRAINED)
    return has_files and not _is_distrusted(facts) and _head_gone(facts) is None


def _is_distrusted(facts: Facts) -> bool:
    """Return whether the head node showed another host key: the portal does not talk to it."""
    return any(node.name == "head" and node.distrusted for node in facts.nodes)


def _failed(facts: Facts) -> Decision:
    """End the command and store the output files, if that can be done; then release everything."""
    if not can_save_files(facts):
        return Decision(Step.RELEASE)
    if facts.observed != Observed.EXECUTING:
        next_step = Step.DRAIN if facts.observed == Observed.EXECUTED else Step.COLLECT
        return _given_up(facts) or Decision(next_step)
    if not facts.has_command:
        return Decision(Step.CLOSE, ClusterEndReason.NODE_FAILED)
    is_late = _past(facts.failure_limit_at, facts) or _past(facts.stop_limit_at, facts)
    return Decision(Step.ABANDON if is_late else Step.STOP_COMMAND, ClusterEndReason.NODE_FAILED)


def _absent(facts: Facts) -> Decision:
    if facts.desired == Desired.STOPPED:
        return Decision(Step.RELEASE)
    return _too_old(facts) or Decision(Step.PROVISION)


def _too_old(facts: Facts) -> Decision | None:
    """End a cluster that is not ready by its deadline: no repeated failure may keep it for ever."""
    if not _past(facts.deadline_at, facts):
        return None
    why = "The cluster was not ready when its deadline came."
    if facts.deadline_reason == DeadlineReason.BUDGET:
        why = "The budget was used up before the cluster was ready."
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
    # The node's report decides, not what the provider says: the login that follows is the proof.
    progress = [NodeProgress(n.name, n.state, n.reason, n.report, n.registered) for n in counted]
    limit, left_out = facts.boot_limit_at, len(facts.nodes) - len(counted)
    if limit is not None and left_out:
        limit += LOGIN_TIME
    decision = boot_policy.decide_boot(facts.policy, progress, _past(limit, facts), left_out)
    return Decision(_STEP_OF_ACTION[decision.action], decision.why, decision.nodes)


def _held(facts: Facts) -> Decision:
    """Keep what is up until its owner stops it, its time is over, or no node is up any more."""
    if facts.desired == Desired.STOPPED:
        return _release_kept(facts, "", by_deadline=False)
    if not facts.provider_has_it:
        return Decision(Step.RELEASE, FORGOTTEN)
    if _past(facts.deadline_at, facts):
        return _release_kept(facts, "The time to look into the nodes is over.", by_deadline=True)
    if not any(node.registered and node.state not in NODE_DOWN for node in facts.nodes):
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
        return _without_command(facts)
    if facts.desired == Desired.STOPPED:
        step = Step.ABANDON if _past(facts.stop_limit_at, facts) else Step.STOP_COMMAND
        return Decision(step, ClusterEndReason.STOPPED_BY_OWNER)
    if _past(facts.deadline_at, facts):
        # The command belongs to the owner and may ignore the request; then it ends with its node.
        step = Step.ABANDON if _past(facts.overrun_at, facts) else Step.STOP_COMMAND
        return Decision(step, cluster_end_reasons.of_deadline(facts.deadline_reason), by_deadline=True)
    return Decision(Step.FOLLOW)


def _without_command(facts: Facts) -> Decision:
    """No command has to be ended in order: people use the cluster until it is stopped or its time is over."""
    if facts.desired == Desired.STOPPED:
        return Decision(Step.CLOSE, ClusterEndReason.STOPPED_BY_OWNER)
    if _past(facts.deadline_at, facts):
        why = cluster_end_reasons.of_deadline(facts.deadline_reason)
        why = ClusterEndReason.HOURS_OVER if why == ClusterEndReason.WALLTIME else why
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
    is_unwanted = facts.desired == Desired.STOPPED or facts.auto_terminate
    if not is_unwanted and not _past(facts.deadline_at, facts):
        return _head_gone(facts) or Decision(Step.KEEP)
    why = "" if is_unwanted else "The deadline of the kept head node has passed."
    return _release_kept(facts, why, by_deadline=not is_unwanted)


def _release_kept(facts: Facts, why: str, *, by_deadline: bool) -> Decision:
    """Store what the owner made on a head node that was kept or held, if that can be done; then release everything."""
    verified = any(node.name == "head" and node.verified for node in facts.nodes)
    if not facts.kept or not verified or _is_distrusted(facts) or _head_gone(facts):
        return Decision(Step.RELEASE, why, by_deadline=by_deadline)
    if _past(facts.rest_limit_at, facts):
        why = f"{why} What was made on the kept head node could not all be stored in time.".strip()
        return Decision(Step.RELEASE, why, by_deadline=by_deadline)
    return Decision(Step.COLLECT_REST, why, by_deadline=by_deadline)


def _broken(facts: Facts) -> Decision | None:
    if not facts.provider_has_it:
        return Decision(Step.FAIL, FORGOTTEN)
    for node in facts.nodes:
        if node.state in NODE_DOWN and not node.left_out:
            why = f": {node.reason.rstrip('.')}" if node.reason else ""
            return Decision(Step.FAIL, f"{node.name} {node.state} while it ran{why}.")
    return None


def _distrusted(facts: Facts) -> Decision:
    """Do not talk to the head node. Wait for an administrator, until a limit or until the owner stops the cluster."""
    if gone := _head_gone(facts):
        return gone
    if facts.desired == Desired.STOPPED:
        return Decision(
            Step.RELEASE,
            "The cluster is terminated as it is. The head node showed another host key, so its command could not be "
            "stopped in order, and its files could not be fetched.",
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
        if node.name == "head" and node.state in NODE_DOWN:
            return Decision(Step.FAIL, "The head node went down before it was released.")
    return None


_STEP_OF_ACTION = {
    BootAction.WAIT: Step.WATCH_BOOT,
    BootAction.GO: Step.VERIFY,
    BootAction.BACK_OUT: Step.FAIL,
    BootAction.HOLD: Step.HOLD,
    BootAction.LEAVE_OUT: Step.LEAVE_OUT,
}
_DECISION_IN = {
    Observed.ABSENT: _absent,
    Observed.BOOTING: _booting,
    Observed.READY: _ready,
    Observed.EXECUTING: _executing,
    Observed.EXECUTED: _executed,
    Observed.DRAINED: _drained,
    Observed.COLLECTED: _collected,
}
