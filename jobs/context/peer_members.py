"""Find the members that a node requires, and tell which of them have not registered yet."""

from django.utils import timezone

from jobs.context.context_plan import ContextPlan
from jobs.models import Node
from jobs.node_contract.broker_calls import BootOutcome
from jobs.node_contract.peers import PeerFields, PeersFields
from jobs.states import NODE_DOWN

MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.1, 2.0


def peers_of(plan: ContextPlan, nodes: list[Node], name: str, *, some_will_do: bool = False) -> PeersFields:
    """Return the members that the node `name` requires, by role.

    The result has one key of three: `roles` (all have registered), `waiting_for` (names by role, with
    `ask_again_seconds`), or `lost` (roles whose providers all failed). Providers that failed are not waited for.
    With `some_will_do`, one registered provider for each role is enough.
    """
    by_name = {node.name: node for node in nodes}
    roles: dict[str, list[PeerFields]] = {}
    waiting: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    for role in plan.member(name).requires:
        known = [by_name[provider] for provider in plan.providers(role) if provider in by_name]
        registered = [node for node in known if node.registered_at is not None and not _is_lost(node)]
        missing = [node.name for node in known if node.registered_at is None and not _is_lost(node)]
        roles[role] = [_peer(node) for node in registered]
        if missing and not (some_will_do and registered):
            waiting[role] = missing
        elif not registered:
            lost[role] = [node.name for node in known]
    if lost:
        return {"lost": lost}
    if waiting:
        return {"waiting_for": waiting, "ask_again_seconds": _retry_seconds(by_name[name])}
    return {"roles": roles}


def _retry_seconds(node: Node) -> float:
    """Return when the node should ask again: soon at first, less often the longer it has waited."""
    waited = timezone.now() - (node.registered_at or timezone.now())
    return round(min(max(waited.total_seconds() / 4, MIN_RETRY_SECONDS), MAX_RETRY_SECONDS), 2)


def _is_lost(node: Node) -> bool:
    return node.report_outcome == BootOutcome.ERROR or node.state in NODE_DOWN


def _peer(node: Node) -> PeerFields:
    return {
        "name": node.name,
        "hostname": node.hostname,
        "address": node.private_address or "",
        "host_keys": node.host_keys,
    }
