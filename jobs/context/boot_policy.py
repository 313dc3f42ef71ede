"""Decide what to do with a booting cluster: wait, go on, or follow its policy when nodes do not come up. Pure.

A node is *up* once it reported OK; it is *broken* once it reported an error, failed, or did not report before the boot
limit. A broken node stays broken, even if it reports late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from jobs.context.context_plan import HEAD, ContextPolicy, OnError
from jobs.node_contract.broker_calls import BootOutcome
from jobs.states import NODE_DOWN

NO_LOGIN = "No login in time."


class BootAction(StrEnum):
    """What to do next for a booting cluster."""

    WAIT = "wait"  # nodes are still on their way
    GO = "go"  # every node that counts is up
    BACK_OUT = "back_out"
    HOLD = "hold"
    LEAVE_OUT = "leave_out"  # go on without the nodes of the decision


@dataclass(frozen=True)
class NodeProgress:
    """How far one node has come.

    `report` is a BootOutcome, or empty before the report; `registered`: its address and host keys are known.
    """

    name: str
    state: str = "booting"
    reason: str = ""
    report: str = ""
    registered: bool = False


@dataclass(frozen=True)
class BootDecision:
    """The action, why (a sentence), and for LEAVE_OUT the names of the nodes."""

    action: BootAction
    why: str = ""
    nodes: tuple[str, ...] = ()


def decide_boot(
    policy: ContextPolicy, nodes: Sequence[NodeProgress], is_late: bool, left_out: int = 0
) -> BootDecision:
    """Return what to do. `is_late`: the boot limit has passed. `left_out` nodes still count towards the percentage.

    `hold` and `continue` wait until every node is up or broken, because a node that still boots may come up.
    `back_out` does not wait, and `continue` does not once it can no longer reach its percentage.
    """
    broken = [node for node in nodes if _is_broken(node, is_late)]
    up = [node for node in nodes if node.report == BootOutcome.OK and node.state not in NODE_DOWN]
    coming = len(nodes) - len(up) - len(broken)
    if not broken:
        if not nodes or coming:
            return BootDecision(BootAction.WAIT)
        return _no_login(policy, nodes) if is_late else BootDecision(BootAction.GO)
    why = _why(broken)
    match policy.on_error:
        case OnError.HOLD if coming:
            return BootDecision(BootAction.WAIT)
        case OnError.HOLD:
            return _hold(nodes, why)
        case OnError.CONTINUE:
            total = len(nodes) + left_out
            return _continue(policy, total, broken, len(up), coming, why)
    return BootDecision(BootAction.BACK_OUT, why)


def hold_limit(policy: ContextPolicy, longest: timedelta) -> timedelta:
    """Return how long a cluster is held: as its policy says, up to the administrator's limit."""
    return min(timedelta(hours=policy.hold_hours), longest)


def can_log_in(node: NodeProgress) -> bool:
    """Whether users could still log in to the node."""
    return node.registered and node.state not in NODE_DOWN


def _is_broken(node: NodeProgress, is_late: bool) -> bool:
    return node.state in NODE_DOWN or node.report == BootOutcome.ERROR or (is_late and not node.report)


def _no_login(policy: ContextPolicy, nodes: Sequence[NodeProgress]) -> BootDecision:
    """All nodes reported OK, but the portal could not log in to all of them."""
    return (
        _hold(nodes, NO_LOGIN)
        if policy.on_error == OnError.HOLD
        else BootDecision(BootAction.BACK_OUT, NO_LOGIN)
    )


def _hold(nodes: Sequence[NodeProgress], why: str) -> BootDecision:
    if any(map(can_log_in, nodes)):
        return BootDecision(BootAction.HOLD, why)
    return BootDecision(BootAction.BACK_OUT, f"{why} No node is up, so there is nothing to hold.")


def _continue(
    policy: ContextPolicy, total: int, broken: Sequence[NodeProgress], up: int, coming: int, why: str
) -> BootDecision:
    if any(node.name == HEAD for node in broken):
        return BootDecision(BootAction.BACK_OUT, f"{why} Nothing goes on without the head node.")
    wanted = policy.at_least_percent
    if (up + coming) * 100 < wanted * total:
        return BootDecision(
            BootAction.BACK_OUT, f"{why} That leaves {up + coming} of {total} nodes, less than {wanted} %."
        )
    if coming:
        return BootDecision(BootAction.WAIT)
    return BootDecision(
        BootAction.LEAVE_OUT,
        f"{why} Going on with {up} of {total} nodes: at least {wanted} % are wanted.",
        tuple(node.name for node in broken),
    )


def _why(broken: Sequence[NodeProgress]) -> str:
    """Return a sentence for each broken node. What the node reported comes before what the provider observed."""
    sentences = [
        f"{node.name} reported an error from its contextualization{_because(node)}."
        for node in broken
        if node.report == BootOutcome.ERROR
    ]
    sentences += [
        f"{node.name} {node.state} while it booted{_because(node)}."
        for node in broken
        if node.report != BootOutcome.ERROR and node.state in NODE_DOWN
    ]
    silent = [node.name for node in broken if node.state not in NODE_DOWN and not node.report]
    if silent:
        sentences.append(f"These nodes did not report in time: {', '.join(silent)}.")
    return " ".join(sentences)


def _because(node: NodeProgress) -> str:
    return f": {node.reason.rstrip('.')}" if node.reason else ""
