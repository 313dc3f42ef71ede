"""What a node may say, in this order. Whatever it says with a token that is not good (any more) is refused and audited.

1. `register`: its host keys and addresses; the answer is its context. The token is bound to the first host keys it came
   with: the same words again are answered again (an answer may get lost), other host keys are refused.
2. `peers`, while it requires members that had not registered: the answer is those members, or who is waited for.
3. `progress`, as often as it likes: lines of its boot stream.
4. `report`: how its start went, with its whole log. After that the token is spent; the same report once more is not
   refused, because its answer may get lost, too.

The token is good for one node, until a moment, and only while the cluster boots.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum
from django.db.models.functions import Length
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.keys import public_keys
from accounts.models import AuditEvent
from accounts.refusals import Refused
from jobs.context import node_context, registration, stream
from jobs.context.stream import Line, Mark
from jobs.context.tokens import digest_of
from jobs.events import job_log, wakeups
from jobs.models import BootLine, Node
from jobs.states import Observed

MAX_LOG = 256 * 1024
# Of one node and reason. The audit trail is one chain for everybody: a node that asks for ever must not fill it.
MOST_AUDITED = 20
REFUSED = "jobs:node:refused"
BOOTING = (Observed.ABSENT, Observed.BOOTING)
SPENT = "This token was used up by an earlier report."


def register(token: str, said: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Answer a node's registration with its context.

    Raises Refused: `bad_registration` (400), `token_unknown`, `token_expired` (401), `token_replayed`, `token_spent`,
    `too_late`, `address_taken` (409).
    """
    facts = registration.read_registration(said)

    def take(node: Node) -> None:
        if node.reported_at is not None:
            raise Refused("token_spent", SPENT, status=409)
        _check_booting(node)
        if node.registered_at is not None and node.host_keys != facts["host_keys"]:
            raise Refused("token_replayed", "This token came with other host keys before.", status=409)
        if registration.is_anothers(node, facts):
            raise Refused("address_taken", "Another node has this address or name.", status=409)
        if node.registered_at is None:
            _save_registration(node, facts)

    return node_context.context_of(_audited(token, source_address, take))


def peers(token: str, said: dict[str, Any], source_address: str) -> dict[str, Any]:
    """The members this node requires: `roles`, or `waiting_for` while some of them have not registered.

    With `some_will_do` in a cluster that goes on without nodes that fail, those that are there are enough.
    Raises Refused like `register`, and `not_registered`, `peer_failed` (409).
    """

    def take(node: Node) -> None:
        _check_registered(node)

    node = _audited(token, source_address, take)
    plan = node_context.plan_of(node.cluster)
    some_will_do = said.get("some_will_do") is True and node_context.may_leave_out(plan)
    found = node_context.peers_of(plan, list(node.cluster.nodes.all()), node.name, some_will_do=some_will_do)
    if lost := found.get("lost"):
        sentences = [f"{role}, which {' and '.join(names)} would provide" for role, names in lost.items()]
        raise Refused("peer_failed", f"Nobody is left for {'; '.join(sentences)}.", status=409)
    return found


def progress(token: str, said: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Take lines of a node's boot stream. Lines that are known are not taken twice.

    Raises Refused like `register`, and `bad_lines` (400), `not_registered`, `line_differs` (409),
    `too_many_lines` (413).
    """
    lines = stream.read_lines(said.get("lines"))

    def take(node: Node) -> None:
        new = _new_lines(node, lines)
        if new and node.reported_at is not None:
            raise Refused("token_spent", SPENT, status=409)
        if new:
            _check_registered(node)
            _save_lines(node, new)
            job_log.notify(node.cluster.job_id)

    _audited(token, source_address, take)
    return {}


def report(token: str, said: dict[str, Any], source_address: str) -> dict[str, Any]:
    """Take a node's report. Raises Refused like `progress`, and `bad_report` (400); another report is `token_spent`."""
    outcome, log = said.get("outcome"), said.get("log", "")
    if outcome not in ("ok", "error") or not isinstance(log, str):
        raise Refused("bad_report", "A report has an outcome (ok or error) and a log (text).")
    log = stream.writable(log[-MAX_LOG:])
    lines = stream.read_lines(said.get("lines", []))

    def take(node: Node) -> None:
        new = _new_lines(node, lines)
        if node.reported_at is not None:
            if new or (node.report_outcome, node.report_log) != (outcome, log):
                raise Refused("token_spent", SPENT, status=409)
            return
        _check_registered(node)
        _save_lines(node, new)
        node.reported_at, node.report_outcome, node.report_log = timezone.now(), outcome, log
        failed = (
            node.boot_lines.filter(mark=Mark.ERROR).exclude(phase="").last() if outcome == "error" else None
        )
        node.reason = f"{failed.phase}: {failed.text}"[:500] if failed else ""
        node.save(update_fields=["reported_at", "report_outcome", "report_log", "reason"])
        _tell_report(node)
        wakeups.wake(node.cluster_id)

    _audited(token, source_address, take)
    return {}


def _audited(token: str, source_address: str, take: Callable[[Node], None]) -> Node:
    """Find the token's node, hold its row, and do what it asks. What is refused is written down before it is said."""
    with transaction.atomic():
        node = (
            Node.objects.select_for_update(of=("self",))
            .select_related("cluster__job__owner", "core_type")
            .filter(token_digest=digest_of(token))
            .first()
        )
        if node is None:
            raise Refused("token_unknown", "No node has this token.", status=401)
        refused: Refused | None = None
        try:
            if node.token_expires_at is not None and node.token_expires_at <= timezone.now():
                raise Refused("token_expired", "This token has expired: the node took too long.", status=401)
            take(node)
        except Refused as error:
            refused = error
            _audit(node, source_address, error)
    if refused is not None:
        raise refused
    return node


def _check_booting(node: Node) -> None:
    if node.left_out or node.cluster.observed_state not in BOOTING:
        raise Refused("too_late", "The cluster is not booting any more.", status=409)


def _check_registered(node: Node) -> None:
    if node.reported_at is not None:
        raise Refused("token_spent", SPENT, status=409)
    _check_booting(node)
    if node.registered_at is None:
        raise Refused("not_registered", "Register before you report.", status=409)


def _new_lines(node: Node, lines: list[Line]) -> list[Line]:
    """Those that are not known yet. Raises Refused (`line_differs`) when a known one comes with other words."""
    if not lines:
        return []
    known = {
        row.sequence: row for row in node.boot_lines.filter(sequence__in=[line.sequence for line in lines])
    }
    for line in lines:
        row = known.get(line.sequence)
        if row is not None and (row.at, row.phase, row.mark, row.text) != (
            line.at,
            line.phase,
            line.mark,
            line.text,
        ):
            raise Refused(
                "line_differs",
                f"Line {line.sequence} came with other words before.",
                field="lines",
                status=409,
            )
    return [line for line in lines if line.sequence not in known]


def _save_lines(node: Node, lines: list[Line]) -> None:
    if not lines:
        return
    kept = node.boot_lines.aggregate(lines=Count("pk"), characters=Sum(Length("text"), default=0))
    characters = kept["characters"] + sum(len(line.text) for line in lines)
    if kept["lines"] + len(lines) > stream.MOST_KEPT or characters > stream.MOST_CHARACTERS:
        raise Refused(
            "too_many_lines",
            f"A node's boot stream has at most {stream.MOST_KEPT} lines and {stream.MOST_CHARACTERS} characters.",
            status=413,
        )
    BootLine.objects.bulk_create(
        BootLine(
            node=node, sequence=line.sequence, at=line.at, phase=line.phase, mark=line.mark, text=line.text
        )
        for line in lines
    )
    node.heard = max(node.heard, *(line.sequence for line in lines))
    node.save(update_fields=["heard"])


def _save_registration(node: Node, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        setattr(node, name, value)
    node.registered_at = timezone.now()
    node.save(update_fields=[*facts, "registered_at"])
    prints = ", ".join(public_keys.parse(key).fingerprint for key in node.host_keys)
    job_log.append(
        node.cluster.job,
        "node",
        f"{node.name} phoned home from {node.address} port {node.port}; host key {prints}.",
        stage="Starting",
        node=node.name,
    )
    wakeups.wake(node.cluster_id)


def _tell_report(node: Node) -> None:
    """One line in the Job Log; for an error with the phase and what was said of it."""
    if node.report_outcome == "ok":
        level, text = "info", f"{node.name} reports OK."
    else:
        level, text = (
            "error",
            f"{node.name} reports an ERROR{f' in phase {node.reason}' if node.reason else '.'}",
        )
    job_log.append(node.cluster.job, "node", text, level=level, stage="Starting", node=node.name)


def _audit(node: Node, source_address: str, refused: Refused) -> None:
    same = AuditEvent.objects.filter(
        object_type="node", object_id=str(node.pk), action=REFUSED, after__reason=refused.reason
    )
    if same.count() >= MOST_AUDITED:
        return
    record(
        Actor(user=None, source_address=source_address or None),
        REFUSED,
        "node",
        node.pk,
        owner=node.cluster.job.owner,
        after={"node": node.name, "cluster": node.cluster_id, "reason": refused.reason},
    )
