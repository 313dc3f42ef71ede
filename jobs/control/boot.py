"""Steps from nothing to a cluster the portal has logged in to."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs import access, events, history
from jobs.connection import connection_message
from jobs.control import checkpoint, orders
from jobs.models import Cluster, Node
from jobs.providers.base import OrderRefused, Provider
from jobs.states import JobState, Observed
from sshgateway import credentials, transport
from sshgateway.credentials import Credential
from sshgateway.targets import Target

WATCH = timedelta(seconds=2)
LOGIN_SECONDS = 10.0
LOGINS_AT_ONCE = 8


def provision(cluster: Cluster, provider: Provider) -> timedelta:
    """Order the nodes. The order is the same each time, so a crash in here repeats it harmlessly."""
    with transaction.atomic():
        nodes = orders.make_nodes(cluster)
        if history.job_status(cluster.job, JobState.QUEUED):
            text = f"Ordering {len(nodes)} x {cluster.job.core_type.name}, {cluster.job.cores} cores in all."
            events.append(cluster.job, "portal", text, stage=JobState.QUEUED)
    try:
        state = provider.provision(orders.order_of(cluster, nodes))
    except OrderRefused as error:
        checkpoint.fail(
            cluster, f"Could not allocate compute resources from the compute provider. {error.message}"
        )
        return timedelta()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.BOOTING, provider_state=state, booting_at=timezone.now())
        names = ", ".join(node.name for node in nodes)
        events.append(cluster.job, "provider", f"Order accepted; booting {names}.", stage="Starting")
    return WATCH


def watch_boot(cluster: Cluster, provider: Provider) -> timedelta:
    """Nothing to do but wait: a report rings the bell."""
    return WATCH


def verify(cluster: Cluster, provider: Provider) -> timedelta:
    """Log in to every node with its pinned host key; only then is the cluster ready and said to be.

    A host key that is not the one the node reported ends the cluster (mission B11, D3). Raises SSHError.
    """
    nodes = [node for node in cluster.nodes.select_related("cluster__job") if node.verified_at is None]
    principal = cluster.job.username
    credential = credentials.issue(principal, for_whom=f"headnode check of job {cluster.job_id}")
    targets = [access.node_target(node) for node in nodes]
    try:
        with ThreadPoolExecutor(max_workers=LOGINS_AT_ONCE) as pool:
            list(pool.map(lambda target: _log_in(target, credential), targets))
    except transport.HostKeyChanged as error:
        checkpoint.fail(cluster, f"Host key alarm: {error}")
        return timedelta()
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.READY, ready_at=now)
        Node.objects.filter(cluster=cluster).update(verified_at=now, state=Node.State.RUNNING)
        history.job_status(cluster.job, JobState.STARTED)
        history.job_status(cluster.job, JobState.VALIDATED)
        text = f"Logged in to {len(nodes)} node(s) with the host keys they reported."
        events.append(cluster.job, "ssh", text, stage=JobState.VALIDATED)
        head = cluster.nodes.select_related("cluster__job").get(role=Node.Role.HEAD)
        message = connection_message(head)
        events.append(cluster.job, "portal", message, stage=JobState.STARTED, node=head.name)
    return timedelta()


def _log_in(target: Target, credential: Credential) -> None:
    with transport.connect(target, timeout=LOGIN_SECONDS, credential=credential) as connection:
        connection.run("true", timeout=LOGIN_SECONDS)
