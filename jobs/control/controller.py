"""One pass over one cluster.

1. Claim the row; leave if it is not due or somebody else has it.
2. Observe: give the warning that is due; ask the provider, save what the nodes' rows should say.
3. Push keys and rules if they changed; note who logged in.
4. Decide (pure), act, save; again while there is something to do at once.
5. Let the row go, due again after what the last step asked for, or after a back-off when it failed.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs.access import host_certificates, host_key_alarm
from jobs.context import node_context
from jobs.control import (
    backoff,
    checkpoint,
    claim,
    command,
    deadline_warnings,
    incomplete_boot,
    login_records,
    owner_intent,
    provisioning,
    push_access,
    standby,
    teardown,
)
from jobs.control.push_access import NO_NODES
from jobs.control.reconcile import Decision, Facts, NodeFacts, Step, decide
from jobs.events import job_log, wakeups
from jobs.models import Cluster, Node
from jobs.providers.base import NodeSighting, Provider, ProviderError
from jobs.providers.registry import provider as provider_named
from jobs.remote.client import RemoteFailed
from jobs.states import Desired, Observed
from jobs.storage.output_collection import StorageFailedError
from sshgateway.ssh.transport import HostKeyChanged, SSHError

logger = logging.getLogger(__name__)

# More steps than a whole life has: a pass that needs more is going in circles.
MAX_STEPS = 30
# A head node that cannot be reached for its files is tried this many times, ever more slowly: about half an hour.
COLLECT_TRIES = 35
# A command that was told to end has this long.
STOP_LIMIT = timedelta(seconds=90)


def reconcile(cluster_id: str) -> bool:
    """Make one pass. True when the cluster was ours to work on."""
    cluster = claim.acquire(cluster_id)
    if cluster is None:
        return False
    try:
        with claim.kept(cluster):
            delay: timedelta | None = _work(cluster)
        cluster.failures = 0
    except claim.ClaimLost:
        logger.warning("cluster %s: the claim was lost, another worker goes on", cluster.pk)
        return True
    except HostKeyChanged:
        # The alarm is raised; what to do about it is decided in the next pass, without talking to the node.
        delay = timedelta(milliseconds=100)
    except (ProviderError, SSHError, RemoteFailed, StorageFailedError, TimeoutError) as error:
        delay = _after_failure(cluster, error)
    except Exception:
        # A bug of ours must neither stop the loop nor spin it: told in the log, tried again ever more slowly.
        logger.exception("cluster %s at %s: a pass broke", cluster.pk, cluster.observed_state)
        cluster.failures += 1
        delay = backoff.delay(cluster.failures)
    delay = deadline_warnings.not_after_next(cluster, push_access.not_after_expiry(cluster, delay))
    if claim.release(cluster, delay):
        wakeups.send(cluster.pk)
    elif delay is not None and delay < timedelta(seconds=1):
        # Sooner than the sweep would come by.
        wakeups.send(cluster.pk, delay)
    return True


def _work(cluster: Cluster) -> timedelta | None:
    provider = provider_named(cluster.provider)
    for _ in range(MAX_STEPS):
        owner_intent.reread(cluster)
        owner_intent.put_right(cluster)
        deadline_warnings.give(cluster)
        facts = _observe(cluster, provider)
        if cluster.observed_state not in NO_NODES:
            push_access.push(cluster, provider)
            host_certificates.renew(cluster, provider)
        if facts.provider_has_it:
            login_records.note(cluster, provider)
            deadline_warnings.broadcast(cluster, provider)
        decision = decide(facts)
        if decision.by_deadline and not owner_intent.has_passed(cluster):
            claim.renew(cluster)  # extended at the last moment; or the claim is lost
            continue
        delay = _act(cluster, provider, decision, facts)
        if delay is None or delay > timedelta():
            return delay
        claim.renew_if_old(cluster)
    raise RuntimeError(f"cluster {cluster.pk} went in circles at {cluster.observed_state}")


def _observe(cluster: Cluster, provider: Provider) -> Facts:
    job = cluster.job
    seen: Mapping[str, NodeSighting] | None = None
    if cluster.observed_state not in (Observed.ABSENT, Observed.RELEASED):
        seen = provider.observe(cluster.provider_state)
    nodes = list(cluster.nodes.all())
    if seen is not None and cluster.observed_state == Observed.RELEASING:
        _save_who_is_off(cluster, nodes, seen)
    elif seen is not None and cluster.observed_state not in NO_NODES:
        _save_sightings(cluster, nodes, seen)
    alarms = [node.host_key_alarm_at for node in nodes if node.host_key_alarm_at is not None]
    return Facts(
        desired=Desired(cluster.desired_state),
        observed=Observed(cluster.observed_state),
        now=timezone.now(),
        nodes=[
            NodeFacts(
                n.name,
                n.state,
                n.reason,
                n.report_outcome,
                verified=n.verified_at is not None,
                registered=n.registered_at is not None,
                left_out=n.left_out,
                distrusted=n.host_key_alarm_at is not None,
            )
            for n in nodes
        ],
        provider_has_it=seen is not None,
        failed=bool(cluster.failure),
        policy=node_context.policy_of(cluster),
        reported=cluster.context_reported_at is not None,
        auto_terminate=job.auto_terminate_cluster,
        has_command=bool(job.command),
        boot_limit_at=cluster.booting_at + settings.HEADNODE_BOOT_LIMIT if cluster.booting_at else None,
        deadline_at=cluster.deadline_at,
        deadline_reason=cluster.deadline_reason,
        launch_limit_at=cluster.ready_at + settings.HEADNODE_BOOT_LIMIT if cluster.ready_at else None,
        stop_limit_at=job.stop_requested_at + STOP_LIMIT if job.stop_requested_at else None,
        overrun_at=cluster.deadline_at + STOP_LIMIT if cluster.deadline_at else None,
        trust_limit_at=min(alarms) + settings.HEADNODE_KEPT_HEAD_LIMIT if alarms else None,
    )


def _save_sightings(cluster: Cluster, nodes: list[Node], seen: Mapping[str, NodeSighting]) -> None:
    for node in nodes:
        if node.left_out:
            continue  # what it failed for is said; whether its machine is down yet does not matter
        sighting = seen.get(node.name)
        state = sighting.state if sighting else Node.State.STOPPED
        if state == node.state or state not in Node.State.values:
            continue
        if state == Node.State.BOOTING and node.verified_at is not None:
            continue  # the provider is behind: the portal has been on it
        before, node.state = node.state, state
        if node.report_outcome != "error":  # what it said itself tells more
            node.reason = (sighting.reason if sighting else "")[:500]
        with transaction.atomic():
            # Fenced like every save: a worker that slept must not write what it saw then.
            seen_first = Node.objects.filter(
                pk=node.pk, state=before, cluster__claimed_by=claim.worker_name()
            )
            if seen_first.update(state=node.state, reason=node.reason) != 1:
                raise claim.ClaimLost(cluster.pk)
            level = "error" if state == Node.State.FAILED else "info"
            why = f": {node.reason}" if node.reason else ""
            text = f"{node.name} is {state}{why}."
            job_log.append(cluster.job, "provider", text, level=level, node=node.name)


def _save_who_is_off(cluster: Cluster, nodes: list[Node], seen: Mapping[str, NodeSighting]) -> None:
    """While all is taken away: which nodes do not run and cost any more. The log says it when that is all of them."""
    off = (Node.State.STOPPED, Node.State.FAILED)
    gone = [n.pk for n in nodes if n.state not in off and (n.name not in seen or seen[n.name].state in off)]
    ours = Node.objects.filter(pk__in=gone, cluster__claimed_by=claim.worker_name())
    if gone and ours.update(state=Node.State.STOPPED):
        job_log.notify(cluster.job_id)


def _act(cluster: Cluster, provider: Provider, decision: Decision, facts: Facts) -> timedelta | None:
    match decision.step:
        case Step.NOTHING:
            return None
        case Step.FAIL:
            checkpoint.fail(cluster, decision.why)
            return timedelta()
        case Step.HOLD:
            return incomplete_boot.hold(cluster, provider, decision.why)
        case Step.LEAVE_OUT:
            return incomplete_boot.leave_out(cluster, provider, decision.nodes, decision.why)
        case Step.RELEASE:
            return teardown.release(cluster, decision.why)
        case Step.WATCH_RELEASE:
            return teardown.watch_release(cluster, provider, is_gone=not facts.provider_has_it)
        case Step.WAIT_FOR_TRUST:
            return host_key_alarm.LOOK
        case Step.ABANDON:
            return command.abandon(cluster, decision.why)
        case Step.CLOSE:
            return standby.close(cluster, decision.why)
        case Step.GIVE_UP:
            return teardown.give_up_collecting(cluster, decision.why)
        case Step.STOP_COMMAND:
            return command.stop(cluster, provider, decision.why)
        case step:
            return _VERBS[step](cluster, provider)


_VERBS = {
    Step.PROVISION: provisioning.provision,
    Step.WATCH_BOOT: provisioning.watch_boot,
    Step.VERIFY: provisioning.verify,
    Step.REPORT: incomplete_boot.report,
    Step.LAUNCH: command.launch,
    Step.FOLLOW: command.follow,
    Step.STAND_BY: standby.stand_by,
    Step.SKIP_COMMAND: command.skip,
    Step.DRAIN: teardown.drain,
    Step.COLLECT: teardown.collect,
    Step.KEEP: teardown.keep,
}


def _after_failure(cluster: Cluster, error: Exception) -> timedelta:
    """Back off. The first failure in a row and every tenth are told to the owner; a lost claim is not one."""
    cluster.failures += 1
    logger.warning("cluster %s at %s: %s", cluster.pk, cluster.observed_state, error)
    if cluster.failures == 1 or cluster.failures % 10 == 0:
        job_log.append(cluster.job, "portal", f"Trying again soon: {error}", level="warning")
    unreachable = isinstance(error, SSHError | RemoteFailed | TimeoutError)
    if cluster.observed_state == Observed.DRAINED and unreachable and cluster.failures >= COLLECT_TRIES:
        try:
            teardown.give_up_collecting(cluster, str(error))
        except claim.ClaimLost:
            return timedelta()
        return timedelta(milliseconds=100)
    return backoff.delay(cluster.failures)
