"""Steps that bring a cluster up: order its nodes, wait for their reports, log in to each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs.access import host_certificates, host_key_alarm, node_access
from jobs.access.connection_info import connection_message
from jobs.control import checkpoint, orders
from jobs.control.node_share import SHARES, Talk
from jobs.events import history, job_log
from jobs.models import Cluster, Node
from jobs.providers.base import OrderRefused, Provider
from jobs.states import ClusterState, JobState, LogSource, NodeState, Observed
from sshgateway.certificates import credentials
from sshgateway.certificates.credentials import Credential
from sshgateway.ssh import transport
from sshgateway.ssh.targets import Target

# A report of a node wakes the loop; this is for reports that were lost.
WATCH_EVERY = timedelta(seconds=2)
# An accepted order may take a while to be saved here; tokens stay valid for that long, too.
TOKEN_SLACK = timedelta(minutes=2)
LOGIN_SECONDS = 10.0
LOGINS_AT_ONCE = 8


def provision(cluster: Cluster, provider: Provider) -> timedelta:
    """Order the nodes. The order is always the same, so repeating it after a crash is harmless.

    Raises ProviderError.
    """
    with transaction.atomic():
        nodes = orders.make_nodes(cluster)
        expires_at = timezone.now() + settings.HEADNODE_BOOT_LIMIT + TOKEN_SLACK
        cluster.nodes.update(token_expires_at=expires_at)
        order = orders.order_of(cluster, nodes)
        checkpoint.save_plan(cluster, provider.plan(order))
        if history.record_job_status(cluster.job, JobState.QUEUED):
            text = f"Ordering {orders.summary(nodes)}."
            job_log.append(cluster.job, LogSource.PORTAL, text, stage=JobState.QUEUED)
    try:
        state = provider.provision(order)
    except OrderRefused as error:
        checkpoint.fail(
            cluster, f"Could not allocate compute resources from the compute provider. {error.message}"
        )
        return timedelta()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.BOOTING, provider_state=state, booting_at=timezone.now())
        # Some may have reported already: then the log is further than that.
        booting = ", ".join(cluster.nodes.filter(registered_at=None).values_list("name", flat=True))
        text = f"Order accepted; booting {booting}." if booting else "Order accepted."
        job_log.append(cluster.job, LogSource.PROVIDER, text, stage=ClusterState.STARTING)
    return WATCH_EVERY


def verify(cluster: Cluster, provider: Provider) -> timedelta:
    """Log in to every node with its pinned host key; only then the cluster is ready.

    A host key other than the reported one raises the alarm and fails the cluster. Nodes that proved their key get a
    host certificate for their address, so that ssh asks people no question. Raises SSHError, ProviderError.
    """
    nodes = list(cluster.nodes.select_related("cluster__job").filter(verified_at=None, left_out=False))
    with SHARES.taken(cluster.job.owner_id, Talk.CALL):
        errors = log_in_to(cluster, nodes)
    if changed := [n for n, e in zip(nodes, errors, strict=True) if isinstance(e, transport.HostKeyChanged)]:
        names = ", ".join(node.name for node in changed)
        checkpoint.fail(cluster, f"{names} showed another host key than it reported.")
        return timedelta()
    for error in errors:
        if error is not None:
            raise error
    host_certificates.issue_certificates(cluster, nodes, provider)
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.READY, ready_at=now)
        cluster.nodes.filter(left_out=False).update(verified_at=now, state=NodeState.RUNNING)
        history.record_job_status(cluster.job, JobState.STARTED)
        history.record_job_status(cluster.job, JobState.VALIDATED)
        what = (
            "1 node with the host key it reported"
            if len(nodes) == 1
            else f"{len(nodes)} nodes with the host keys they reported"
        )
        text = f"Logged in to {what}."
        job_log.append(cluster.job, LogSource.SSH, text, stage=JobState.VALIDATED)
        head = cluster.nodes.select_related("cluster__job").get(role=Node.Role.HEAD)
        message = connection_message(head)
        job_log.append(cluster.job, LogSource.PORTAL, message, stage=JobState.STARTED, node=head.name)
    return timedelta()


def log_in_to(cluster: Cluster, nodes: Sequence[Node]) -> list[transport.SSHError | None]:
    """Log in to these nodes in parallel. Return the error of each, None for success.

    Another host key raises the alarm.
    """
    targets = [node_access.node_target(node) for node in nodes]
    credential = credentials.issue_credential(
        cluster.job.username,
        for_whom=f"headnode check of job {cluster.job_id}",
        target=targets[0].address if targets else "",
    )
    with ThreadPoolExecutor(max_workers=LOGINS_AT_ONCE) as pool:
        errors = list(pool.map(lambda target: _log_in(target, credential), targets))
    for node, error in zip(nodes, errors, strict=True):
        if isinstance(error, transport.HostKeyChanged):
            host_key_alarm.raise_alarm(node, error, "the portal's first login")
    return errors


def _log_in(target: Target, credential: Credential) -> transport.SSHError | None:
    """Log in and return the error, if any. Runs in a thread, so it must not use the database."""
    try:
        with transport.connect(target, timeout=LOGIN_SECONDS, credential=credential) as connection:
            connection.run("true", timeout=LOGIN_SECONDS)
    except transport.SSHError as error:
        return error
    return None
