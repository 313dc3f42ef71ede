"""Process what nodes send, in this order: register, peers, progress, report.

1. `register`: host keys and addresses. The answer is the node's context. The token is bound to the first host keys it
   came with: the same request is answered again (an answer may get lost), other host keys are refused.
2. `peers`, while the node requires members that had not registered: those members, or the ones it waits for.
3. `progress`, as often as the node likes: lines of its boot stream.
4. `report`: the outcome, with the whole log. The token is spent then. Repeating the same report is not refused, because
   its answer may get lost, too.

A token is valid for one node, for a limited time, and only while the cluster boots. Refusals are audited.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.keys import public_keys
from accounts.models import AuditEvent
from accounts.refusals import Refused
from jobs.context import boot_line_store, node_context
from jobs.context.cluster_plan import may_leave_out, plan_of
from jobs.context.node_refusals import NodeRefusal, refuse_invalid_documents
from jobs.context.peer_members import peers_of
from jobs.context.registration import is_taken_by_another, parse_registration
from jobs.context.tokens import digest_of
from jobs.events import job_log, wakeups
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Node
from jobs.node_contract.boot_lines import PhaseMark, storable_text
from jobs.node_contract.broker_calls import BootOutcome, read_progress, read_report, read_some_will_do
from jobs.node_contract.registration import Registration
from jobs.states import ClusterState, LogLevel, LogSource, Observed

MAX_LOG = 256 * 1024
# For one node and reason. The audit trail is one chain for everybody; a node that keeps asking must not fill it.
MAX_AUDITED_REFUSALS = 20
BOOTING = (Observed.ABSENT, Observed.BOOTING)


def register(token: str, request: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Register a node and return its context.

    Raises Refused: `bad_registration` (400), `token_unknown`, `token_expired` (401), `token_replayed`, `token_spent`,
    `too_late`, `address_taken` (409).
    """
    registration = parse_registration(request)

    def apply(node: Node) -> None:
        if node.reported_at is not None:
            raise NodeRefusal.SPENT.refused()
        _check_booting(node)
        if node.registered_at is not None and node.host_keys != list(registration.host_keys):
            raise NodeRefusal.REPLAYED.refused()
        if is_taken_by_another(node, registration):
            raise NodeRefusal.ADDRESS_TAKEN.refused()
        if node.registered_at is None:
            _save_registration(node, registration)

    return node_context.context_of(_with_node(token, source_address, apply))


def peers(token: str, request: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Return the members this node requires: `roles`, or `waiting_for` while some of them have not registered.

    With `some_will_do`, in a cluster that goes on without nodes that fail, the registered ones are enough.
    Raises Refused like `register`, and `not_registered`, `peer_failed` (409).
    """
    node = _with_node(token, source_address, _check_registered)
    plan = plan_of(node.cluster)
    some_will_do = read_some_will_do(request) and may_leave_out(plan)
    found = peers_of(plan, list(node.cluster.nodes.all()), node.name, some_will_do=some_will_do)
    if lost := found.get("lost"):
        roles = [f"{role}, which {' and '.join(names)} would provide" for role, names in lost.items()]
        raise NodeRefusal.PEER_FAILED.refused(f"Nobody is left for {'; '.join(roles)}.")
    return {**found}


def progress(token: str, request: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Store lines of a node's boot stream; lines that are stored already are ignored.

    Raises Refused like `register`, and `bad_lines` (400), `not_registered`, `line_differs` (409),
    `too_many_lines` (413).
    """
    with refuse_invalid_documents():
        lines = read_progress(request)

    def apply(node: Node) -> None:
        new = boot_line_store.new_lines(node, lines)
        if new and node.reported_at is not None:
            raise NodeRefusal.SPENT.refused()
        if new:
            _check_registered(node)
            boot_line_store.save_lines(node, new)
            job_log.notify(node.cluster.job_id)

    _with_node(token, source_address, apply)
    return {}


def report(token: str, request: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Store a node's report. Raises Refused like `progress`, and `bad_report` (400).

    A second report that differs from the first is refused with `token_spent`.
    """
    with refuse_invalid_documents():
        received = read_report(request)
    log = storable_text(received.log[-MAX_LOG:])

    def apply(node: Node) -> None:
        new = boot_line_store.new_lines(node, received.lines)
        if node.reported_at is not None:
            if new or (node.report_outcome, node.report_log) != (received.outcome, log):
                raise NodeRefusal.SPENT.refused()
            return
        _check_registered(node)
        boot_line_store.save_lines(node, new)
        _save_report(node, received.outcome, log)

    _with_node(token, source_address, apply)
    return {}


def _with_node(token: str, source_address: str, apply: Callable[[Node], None]) -> Node:
    """Lock the row of the token's node, apply the request and return the node. Refusals are audited, then raised."""
    with transaction.atomic():
        node = (
            Node.objects.select_for_update(of=("self",))
            .select_related("cluster__job__owner", "core_type")
            .filter(token_digest=digest_of(token))
            .first()
        )
        if node is None:
            raise NodeRefusal.UNKNOWN_NODE.refused()
        refused: Refused | None = None
        try:
            if node.token_expires_at is not None and node.token_expires_at <= timezone.now():
                raise NodeRefusal.EXPIRED.refused()
            apply(node)
        except Refused as error:
            refused = error
            _audit(node, source_address, error)
    if refused is not None:
        raise refused
    return node


def _check_booting(node: Node) -> None:
    if node.left_out or node.cluster.observed_state not in BOOTING:
        raise NodeRefusal.TOO_LATE.refused()


def _check_registered(node: Node) -> None:
    if node.reported_at is not None:
        raise NodeRefusal.SPENT.refused()
    _check_booting(node)
    if node.registered_at is None:
        raise NodeRefusal.NOT_REGISTERED.refused()


def _save_registration(node: Node, registration: Registration) -> None:
    columns = {**registration.as_json(), "registered_at": timezone.now()}
    for name, value in columns.items():
        setattr(node, name, value)
    node.save(update_fields=columns)
    fingerprints = ", ".join(public_keys.parse(key).fingerprint for key in node.host_keys)
    job_log.append(
        node.cluster.job,
        LogSource.NODE,
        f"{node.name} phoned home from {node.address} port {node.port}; host key {fingerprints}.",
        stage=ClusterState.STARTING,
        node=node.name,
    )
    wakeups.wake(node.cluster_id)


def _save_report(node: Node, outcome: BootOutcome, log: str) -> None:
    """Store the report. The reason of an error is the last phase that failed, with the text of that line."""
    failed = None
    if outcome is BootOutcome.ERROR:
        failed = node.boot_lines.filter(mark=PhaseMark.ERROR).exclude(phase="").last()
    node.reported_at, node.report_outcome, node.report_log = timezone.now(), outcome.value, log
    node.reason = f"{failed.phase}: {failed.text}"[:500] if failed else ""
    node.save(update_fields=["reported_at", "report_outcome", "report_log", "reason"])
    _log_report(node)
    wakeups.wake(node.cluster_id)


def _log_report(node: Node) -> None:
    """Append one line to the Job Log."""
    if node.report_outcome == BootOutcome.OK:
        level, text = LogLevel.INFO, f"{node.name} reports OK."
    else:
        where = f" in phase {node.reason}" if node.reason else "."
        level, text = LogLevel.ERROR, f"{node.name} reports an ERROR{where}"
    job_log.append(
        node.cluster.job, LogSource.NODE, text, level=level, stage=ClusterState.STARTING, node=node.name
    )


def _audit(node: Node, source_address: str, refused: Refused) -> None:
    same = AuditEvent.objects.filter(
        object_type="node",
        object_id=str(node.pk),
        action=JobsAuditAction.NODE_REFUSED,
        after__reason=refused.reason,
    )
    if same.count() >= MAX_AUDITED_REFUSALS:
        return
    record(
        Actor(user=None, source_address=source_address or None),
        JobsAuditAction.NODE_REFUSED,
        "node",
        node.pk,
        owner=node.cluster.job.owner,
        after={"node": node.name, "cluster": node.cluster_id, "reason": refused.reason},
    )
