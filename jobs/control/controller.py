"""Make one pass over one cluster.

1. Claim the row; stop if it is not due or another worker has it.
2. Look at the nodes of a cluster that people use, if it is time to; give the deadline warning that is due.
3. Observe: ask the provider, save the states of the nodes and what they cost.
4. Push keys, rules and host certificates if they changed; record logins.
5. Decide (pure), carry out, save; repeat while there is something to do at once.
6. Release the claim. The next pass comes after what the last step asked for, or after a back-off if it failed.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from jobs.access import host_certificates
from jobs.control import (
    activity,
    backoff,
    claim,
    deadline_warnings,
    login_records,
    node_states,
    owner_intent,
    push_access,
    teardown,
)
from jobs.control.decisions import TALKS_TO_HEAD, Facts, decide
from jobs.control.facts import facts_of
from jobs.control.node_share import ShareUsedUp
from jobs.control.steps import DecidedStep, carry_out
from jobs.costs import charging
from jobs.events import job_log, wakeups
from jobs.lifetime import deadline_store
from jobs.models import Cluster
from jobs.models.claims import ClaimLost
from jobs.providers.base import ObservedNode, Provider, ProviderError
from jobs.remote.answer import RemoteFailed
from jobs.states import NOT_AT_PROVIDER, WITHOUT_NODES, Desired, LogLevel, LogSource, Observed
from jobs.storage.output_collection import StorageFailedError
from sshgateway.ssh.transport import HostKeyChanged, SSHError

logger = logging.getLogger(__name__)

# More steps than a whole life has: a pass that needs more repeats itself.
MAX_STEPS = 30
# How often fetching output files is tried, with back-off: about half an hour.
COLLECT_TRIES = 35
# A pass that is due sooner than the next sweep needs a message of its own.
SWEEP_EVERY = timedelta(seconds=1)
AT_ONCE = timedelta(milliseconds=100)
SHARE_CHECK_INTERVAL = timedelta(milliseconds=500)
# A cluster that was terminated or failed does not wait for a back-off: it costs.
LONGEST_AFTER_STOP = timedelta(seconds=3)


def reconcile(cluster_id: str, provider_named: Callable[[str], Provider]) -> bool:
    """Make one pass. Return False if the cluster is not due or another worker has it."""
    cluster = claim.acquire(cluster_id)
    if cluster is None:
        return False
    try:
        delay = _pass(cluster, provider_named)
    except ClaimLost:
        logger.warning("cluster %s: the claim was lost, another worker continues", cluster.pk)
        return True
    delay = activity.limit_delay(cluster, push_access.limit_delay(cluster, delay))
    delay = deadline_warnings.limit_delay(cluster, delay)
    if claim.release(cluster, delay):
        wakeups.send(cluster.pk)
    elif delay is not None and delay < SWEEP_EVERY:
        wakeups.send(cluster.pk, delay)
    return True


def _pass(cluster: Cluster, provider_named: Callable[[str], Provider]) -> timedelta | None:
    """Work on a claimed cluster. Return when the next pass is due, whatever failed. Raises ClaimLost."""
    try:
        with claim.keep_claimed(cluster):
            delay = _work(cluster, provider_named(cluster.provider))
        cluster.failures = 0
        return delay
    except ClaimLost:
        raise
    except ShareUsedUp:
        return SHARE_CHECK_INTERVAL
    except HostKeyChanged:
        # The alarm is raised. The next pass decides what to do about it, without talking to the node.
        return AT_ONCE
    except (ProviderError, SSHError, RemoteFailed, StorageFailedError, TimeoutError) as error:
        return _after_failure(cluster, error)
    except Exception:
        # A bug must neither stop the loop nor make it spin: log it and back off.
        logger.exception("cluster %s at %s: a pass broke", cluster.pk, cluster.observed_state)
        cluster.failures += 1
        return backoff.delay(cluster.failures)


def _work(cluster: Cluster, provider: Provider) -> timedelta | None:
    """Carry out steps until one asks to wait, and return for how long."""
    for _ in range(MAX_STEPS):
        owner_intent.reread(cluster)
        activity.look(cluster)
        deadline_store.correct(cluster)
        deadline_warnings.give_due_warning(cluster)
        facts = _observe(cluster, provider)
        _inform(cluster, provider, facts)
        decision = decide(facts)
        if decision.by_deadline and not deadline_store.close_to_extensions(cluster):
            claim.renew(cluster)  # extended at the last moment; raises if the claim is lost instead
            continue
        delay = carry_out(DecidedStep(cluster, provider, decision, facts))
        if delay is None or delay > timedelta():
            return delay
        claim.renew_if_old(cluster)
    raise RuntimeError(f"cluster {cluster.pk} repeated itself at {cluster.observed_state}")


def _observe(cluster: Cluster, provider: Provider) -> Facts:
    """Ask the provider, save what it says, and return the facts. Raises ProviderError, ClaimLost."""
    seen: Mapping[str, ObservedNode] | None = None
    if cluster.observed_state not in NOT_AT_PROVIDER:
        seen = provider.observe(cluster.provider_state)
    nodes = list(cluster.nodes.all())
    if seen is not None:
        node_states.save_sightings(cluster, nodes, seen)
        charging.record_sightings(cluster, nodes, seen)
    return facts_of(cluster, nodes, provider_has_it=seen is not None)


def _inform(cluster: Cluster, provider: Provider, facts: Facts) -> None:
    """Tell the nodes what changed, and read who logged in. Raises ProviderError."""
    if cluster.observed_state not in WITHOUT_NODES:
        push_access.push(cluster, provider)
        host_certificates.renew_certificates(cluster, provider)
    if facts.provider_has_it:
        login_records.record_logins(cluster, provider)
        deadline_warnings.broadcast(cluster, provider)


def _after_failure(cluster: Cluster, error: Exception) -> timedelta:
    """Back off. The first failure in a row and every tenth go to the Job Log. Raises ClaimLost."""
    cluster.failures += 1
    logger.warning("cluster %s at %s: %s", cluster.pk, cluster.observed_state, error)
    if cluster.failures == 1 or cluster.failures % 10 == 0:
        text = f"Trying again soon: {error}"
        job_log.append(cluster.job, LogSource.PORTAL, text, level=LogLevel.WARNING)
    unreachable = isinstance(error, SSHError | RemoteFailed | TimeoutError)
    was_tried = cluster.failures >= COLLECT_TRIES or teardown.is_over_after_stop(cluster)
    if cluster.observed_state == Observed.DRAINED and unreachable and was_tried:
        teardown.give_up_collecting(cluster, str(error))
        return AT_ONCE
    delay = backoff.delay(cluster.failures)
    is_ending = bool(cluster.failure) or cluster.desired_state == Desired.STOPPED
    has_head = cluster.observed_state in (*TALKS_TO_HEAD, *teardown.KEPT)
    return min(delay, LONGEST_AFTER_STOP) if is_ending and has_head else delay
