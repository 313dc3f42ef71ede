"""From a job to the nodes it needs: node rows first, then the order for the provider."""

from collections import Counter

from django.conf import settings

from jobs.context.cluster_plan import plan_of
from jobs.context.tokens import digest_of, token_of
from jobs.models import Cluster, Node
from jobs.providers import portal_id
from jobs.providers.base import ClusterOrder, NodeOrder


def make_nodes(cluster: Cluster) -> list[Node]:
    """Return the cluster's node rows, one head and the rest compute; create them if there are none yet."""
    if not cluster.nodes.exists():
        Node.objects.bulk_create(
            Node(
                cluster=cluster,
                name=member.name,
                role=member.role,
                core_type_id=member.core_type,
                cores=member.cores,
                token_digest=digest_of(token_of(cluster.pk, member.name)),
            )
            for member in plan_of(cluster).members
        )
    return list(cluster.nodes.select_related("core_type"))


def summary(nodes: list[Node]) -> str:
    """Return the nodes as text: `3 x Emerald, 1 x Onyx, 5 cores in all`."""
    counted = Counter(node.core_type.name for node in nodes)
    kinds = ", ".join(f"{count} x {name}" for name, count in counted.items())
    cores = sum(node.cores for node in nodes)
    return f"{kinds}, {cores} core{'' if cores == 1 else 's'} in all"


def order_of(cluster: Cluster, nodes: list[Node]) -> ClusterOrder:
    """Return the order for the provider. The same cluster always gives the same order."""
    return ClusterOrder(
        cluster_id=cluster.pk,
        portal_id=portal_id.own_portal_id(),
        username=cluster.job.username,
        home=cluster.job.home,
        broker_url=settings.HEADNODE_BROKER_URL,
        api_url=settings.HEADNODE_JOB_API_URL,
        nodes=[
            NodeOrder(
                name=node.name,
                role=node.role,
                core_type=node.core_type_id,
                cores=node.cores,
                memory_mb=node.cores * node.core_type.memory_mb_per_core,
                ssh_port=node.core_type.ssh_port,
                boot_seconds=node.core_type.boot_seconds,
                token=token_of(cluster.pk, node.name),
            )
            for node in nodes
        ],
    )


def machinefile(nodes: list[Node]) -> str:
    """Return one `name:cores` line per node, as MPI launchers read it."""
    return "".join(f"{node.name}:{node.cores}\n" for node in nodes)
