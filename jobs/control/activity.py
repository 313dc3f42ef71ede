"""Look at the nodes of a cluster that people use, so that one that nobody uses ends.

All nodes are asked over SSH, in parallel, each within seconds and all within LOOK_SECONDS. A node that does not answer
is asked less often, and fails nothing: `jobs.lifetime.idle` says what it counts as.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from jobs.access import host_key_alarm, node_access, session_subjects
from jobs.control.node_share import SHARES, ShareUsedUp, Talk
from jobs.events import job_log
from jobs.lifetime import activity_store, idle, idle_limit
from jobs.lifetime.deadline import DeadlineReason
from jobs.lifetime.idle import IdlePolicy, Sighting, Source
from jobs.models import Cluster, Node, NodeActivity
from jobs.node_contract.activity import ActivityReport
from jobs.remote.activity_reader import read_activity
from jobs.remote.answer import RemoteFailed
from jobs.states import NODE_DOWN
from sshgateway.certificates import credentials
from sshgateway.models import TerminalSession
from sshgateway.ssh import transport
from sshgateway.ssh.targets import Target

NODES_AT_ONCE = 8
CONNECT_SECONDS = 4.0
# All nodes of a cluster together: the rest are asked first the next time.
LOOK_SECONDS = 15.0
# How much less often a node is asked that did not answer.
REST_AFTER_FAILURE = timedelta(minutes=1)
# The last look before an idle cluster ends waits so long for the owner's share of the threads.
LAST_LOOK_WAITS = timedelta(seconds=30)


def look(cluster: Cluster) -> None:
    """Ask the nodes and save what they show, if it is time to. Raises ClaimLost, ShareUsedUp."""
    since, now = idle_limit.in_use_since(cluster), timezone.now()
    policy = idle_limit.policy_of(cluster)
    if since is None or policy.limit is None or not _is_due(cluster, policy, now):
        return
    nodes = list(
        cluster.nodes.select_related("cluster__job", "activity").filter(
            left_out=False, registered_at__isnull=False
        )
    )
    asked = [node for node in nodes if node.state not in NODE_DOWN]
    seen = [_owner(cluster, since), *_keystroke(cluster)]
    for node in asked:
        # Before the new answer: what happened since the last one is unknown if that is too long ago.
        seen += _assumed(node, since, now, policy)
    seen += _ask(cluster, [node for node in asked if _may_be_asked(node, policy, now)], policy)
    before = cluster.active_at
    activity_store.save_look(cluster, seen, now)
    if cluster.active_at != before:
        job_log.notify(cluster.job_id)


def limit_delay(cluster: Cluster, delay: timedelta | None) -> timedelta | None:
    """Return the delay until the next pass, shortened so that the pass comes in time for the next look."""
    if delay is None or idle_limit.in_use_since(cluster) is None:
        return delay
    policy = idle_limit.policy_of(cluster)
    if policy.limit is None or cluster.looked_at is None:
        return delay
    return min(delay, max(cluster.looked_at + policy.interval - timezone.now(), timedelta(milliseconds=200)))


def _is_due(cluster: Cluster, policy: IdlePolicy, now: datetime) -> bool:
    """Return whether to look now: every interval, and once more when the idle limit has been reached."""
    if cluster.looked_at is None or now - cluster.looked_at >= policy.interval:
        return True
    ended = _idle_since(cluster, now)
    return ended is not None and cluster.looked_at < ended


def _idle_since(cluster: Cluster, now: datetime) -> datetime | None:
    """Return when the idle limit was reached; None if it was not."""
    ended = cluster.deadline_at
    is_over = ended is not None and ended <= now and cluster.deadline_reason == DeadlineReason.IDLE
    return ended if is_over else None


def _owner(cluster: Cluster, since: datetime) -> Sighting:
    return Sighting(Source.COMMAND if cluster.job.command else Source.OWNER, since)


def _keystroke(cluster: Cluster) -> list[Sighting]:
    """Return the last keystroke in a browser terminal on any node of the cluster."""
    last = (
        TerminalSession.objects.filter(
            subject=session_subjects.subject_of(cluster.job), last_keystroke_at__isnull=False
        )
        .order_by("-last_keystroke_at")
        .values_list("last_keystroke_at", "node")
        .first()
    )
    return [Sighting(Source.TERMINAL, last[0], last[1])] if last and last[0] else []


def _activity_of(node: Node) -> NodeActivity | None:
    return getattr(node, "activity", None)


def _assumed(node: Node, since: datetime, now: datetime, policy: IdlePolicy) -> list[Sighting]:
    """Return what is assumed of the time since the node's last answer."""
    known = _activity_of(node)
    answered_at, failures = (known.answered_at, known.failures) if known else (None, 0)
    found = [idle.unanswered(node.name, max(answered_at or since, since), now, policy)]
    if _can_be_asked(node):
        found.append(idle.not_judged_yet(node.name, answered_at, failures, now, policy))
    return [assumed for assumed in found if assumed is not None and assumed.at > since]


def _can_be_asked(node: Node) -> bool:
    return node.host_key_alarm_at is None and node.address is not None


def _may_be_asked(node: Node, policy: IdlePolicy, now: datetime) -> bool:
    known = _activity_of(node)
    if not _can_be_asked(node):
        return False
    if known is None or not known.failures:
        return True
    return now - known.asked_at >= max(policy.interval, min(REST_AFTER_FAILURE, policy.unknown / 4))


def _ask(cluster: Cluster, nodes: Sequence[Node], policy: IdlePolicy) -> list[Sighting]:
    """Ask these nodes, those first that were not asked for the longest time. Return what they show.

    Raises ShareUsedUp if the cluster would end without having been asked.
    """
    if not nodes:
        return []
    ordered = sorted(
        nodes, key=lambda node: known.asked_at.timestamp() if (known := _activity_of(node)) else 0
    )
    try:
        with SHARES.taken(cluster.job.owner_id, Talk.CALL):
            answers = _read_all(cluster, ordered)
    except ShareUsedUp:
        ended = _idle_since(cluster, timezone.now())
        if ended is not None and timezone.now() - ended < LAST_LOOK_WAITS:
            raise
        return []
    now, seen = timezone.now(), []
    for node, answer in zip(ordered, answers, strict=True):
        known = _activity_of(node)
        if isinstance(answer, transport.HostKeyChanged):
            host_key_alarm.raise_alarm(node, answer, "the portal's look at its activity")
        if not isinstance(answer, ActivityReport):
            if answer is not None:
                _save_node(node, asked_at=now, failures=known.failures + 1 if known else 1)
            continue
        before = activity_store.counters_from_json(known.counters if known else {})
        seen += idle.sightings_in(answer, before, now, node.name, node.cores, policy.cpu_percent)
        kept = activity_store.counters_as_json(idle.counters_of(answer))
        _save_node(node, asked_at=now, answered_at=now, failures=0, counters=kept)
    return seen


def _save_node(node: Node, **fields: Any) -> None:
    NodeActivity.objects.update_or_create(node=node, defaults=fields)


def _read_all(cluster: Cluster, nodes: Sequence[Node]) -> list[ActivityReport | Exception | None]:
    """Return the report of each node, its error, or None where time was up."""
    targets = [node_access.node_target(node) for node in nodes]
    credential = credentials.issue_credential(
        cluster.job.username,
        for_whom=f"headnode activity of job {cluster.job_id}",
        target=targets[0].address,
    )
    end = time.monotonic() + LOOK_SECONDS

    def read(target: Target) -> ActivityReport | Exception | None:
        """Runs in a thread, so it must not use the database."""
        if time.monotonic() > end:
            return None
        try:
            with transport.connect(target, timeout=CONNECT_SECONDS, credential=credential) as connection:
                return read_activity(connection)
        except (transport.SSHError, RemoteFailed) as error:
            return error

    with ThreadPoolExecutor(max_workers=NODES_AT_ONCE) as pool:
        return list(pool.map(read, targets))
