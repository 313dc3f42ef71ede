"""What becomes of a cluster whose nodes boot: wait, go, or what its policy says when some do not come up. Pure.

A node is *up* once it reported OK, *broken* once it reported an error, failed, or time is up and it did not report.
What is broken stays so: a node that is late does not come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from jobs.context.plan import HEAD, OnError, Policy

NO_LOGIN = "No login in time."
GONE = ("failed", "stopped")


class Action(StrEnum):
    """What to do next for a booting cluster."""

    WAIT = "wait"  # nodes are still on their way
    GO = "go"  # all that count are up
    BACK_OUT = "back_out"
    HOLD = "hold"
    LEAVE_OUT = "leave_out"  # go on without the nodes that are named


@dataclass(frozen=True)
class NodeProgress:
    """What is known of one node. `report` is "", ok or error; `registered`: it phoned home, so it can be found."""

    name: str
    state: str = "booting"
    reason: str = ""
    report: str = ""
    registered: bool = False


@dataclass(frozen=True)
class Verdict:
    """The action, why (a sentence), and for LEAVE_OUT which nodes."""

    action: Action
    why: str = ""
    nodes: tuple[str, ...] = ()


def decide_policy(policy: Policy, nodes: Sequence[NodeProgress], is_late: bool, left_out: int = 0) -> Verdict:
    """What to do for nodes that stand so. `is_late`: the time a boot may take is over.

    So many others were `left_out` before: what is enough is counted with them.

    The answer for `hold` and `continue` waits until every node is up or broken, so that nobody who still comes is
    lost; `back_out` does not wait, and neither does `continue` once it cannot come to enough nodes.
    """
    broken = [node for node in nodes if _is_broken(node, is_late)]
    up = [node for node in nodes if node.report == "ok" and node.state not in GONE]
    coming = len(nodes) - len(up) - len(broken)
    if not broken:
        if not nodes or coming:
            return Verdict(Action.WAIT)
        return _no_login(policy, nodes) if is_late else Verdict(Action.GO)
    why = _why(broken)
    match policy.on_error:
        case OnError.HOLD if coming:
            return Verdict(Action.WAIT)
        case OnError.HOLD:
            return _hold(nodes, why)
        case OnError.CONTINUE:
            total = len(nodes) + left_out
            return _continue(policy, total, broken, len(up), coming, why)
    return Verdict(Action.BACK_OUT, why)


def hold_limit(policy: Policy, longest: timedelta) -> timedelta:
    """How long a cluster is held: what its policy asks for, and never longer than the administrator allows."""
    return min(timedelta(hours=policy.hold_hours), longest)


def reachable(node: NodeProgress) -> bool:
    """Whether somebody could still be let in to the node."""
    return node.registered and node.state not in GONE


def _is_broken(node: NodeProgress, is_late: bool) -> bool:
    return node.state in GONE or node.report == "error" or (is_late and not node.report)


def _no_login(policy: Policy, nodes: Sequence[NodeProgress]) -> Verdict:
    """All reported OK, and yet the portal could not log in to each of them."""
    return _hold(nodes, NO_LOGIN) if policy.on_error == OnError.HOLD else Verdict(Action.BACK_OUT, NO_LOGIN)


def _hold(nodes: Sequence[NodeProgress], why: str) -> Verdict:
    if any(map(reachable, nodes)):
        return Verdict(Action.HOLD, why)
    return Verdict(Action.BACK_OUT, f"{why} No node is up, so there is nothing to hold.")


def _continue(
    policy: Policy, total: int, broken: Sequence[NodeProgress], up: int, coming: int, why: str
) -> Verdict:
    if any(node.name == HEAD for node in broken):
        return Verdict(Action.BACK_OUT, f"{why} Nothing goes on without the head node.")
    wanted = policy.at_least_percent
    if (up + coming) * 100 < wanted * total:
        return Verdict(
            Action.BACK_OUT, f"{why} That leaves {up + coming} of {total} nodes, less than {wanted} %."
        )
    if coming:
        return Verdict(Action.WAIT)
    return Verdict(
        Action.LEAVE_OUT,
        f"{why} Going on with {up} of {total} nodes: at least {wanted} % are wanted.",
        tuple(node.name for node in broken),
    )


def _why(broken: Sequence[NodeProgress]) -> str:
    """Every node that broke, by what happened to it: its own word before what the provider saw."""
    sentences = [
        f"{node.name} reported an error from its contextualization{_because(node)}."
        for node in broken
        if node.report == "error"
    ]
    sentences += [
        f"{node.name} {node.state} while it booted{_because(node)}."
        for node in broken
        if node.report != "error" and node.state in GONE
    ]
    silent = [node.name for node in broken if node.state not in GONE and not node.report]
    if silent:
        sentences.append(f"These nodes did not report in time: {', '.join(silent)}.")
    return " ".join(sentences)


def _because(node: NodeProgress) -> str:
    return f": {node.reason.rstrip('.')}" if node.reason else ""
