"""Save what the provider says of a cluster's nodes, and tell the Job Log."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from jobs.events import job_log
from jobs.models import Cluster, Node
from jobs.models.claims import ClaimLost, claimed_nodes
from jobs.providers.base import ObservedNode
from jobs.states import NODE_DOWN, WITHOUT_NODES, LogLevel, LogSource, NodeState, Observed


def save_sightings(cluster: Cluster, nodes: Sequence[Node], seen: Mapping[str, ObservedNode]) -> None:
    """Save node states that changed, in the rows and in `nodes`. Raises ClaimLost."""
    if cluster.observed_state == Observed.RELEASING:
        _save_nodes_down(cluster, nodes, seen)
    elif cluster.observed_state not in WITHOUT_NODES:
        for node in nodes:
            if not node.left_out:  # its failure is recorded already
                _save_address(cluster, node, seen.get(node.name))
                _save_sighting(cluster, node, seen.get(node.name))


def _save_address(cluster: Cluster, node: Node, sighting: ObservedNode | None) -> None:
    """Save where the provider has put a node, if the node said something else when it registered.

    The portal logs in there before anybody is led to it. A node that could choose its address could lead people, or the
    portal's own logins, to another one.
    """
    if node.registered_at is None or sighting is None or not (sighting.address and sighting.port):
        return
    reported = (node.address, node.port)
    if reported == (sighting.address, sighting.port):
        return
    node.address, node.port = sighting.address, sighting.port
    with transaction.atomic():
        if claimed_nodes(cluster).filter(pk=node.pk).update(address=node.address, port=node.port) != 1:
            raise ClaimLost(cluster.pk)
        text = (
            f"{node.name} reported the address {reported[0]} port {reported[1]}, but it is at {node.address} port "
            f"{node.port} by the provider's word, which is used."
        )
        job_log.append(cluster.job, LogSource.PROVIDER, text, level=LogLevel.WARNING, node=node.name)


def _save_sighting(cluster: Cluster, node: Node, sighting: ObservedNode | None) -> None:
    state = sighting.state if sighting else NodeState.STOPPED
    if state == node.state or state not in set(NodeState):
        return
    if state == NodeState.BOOTING and node.verified_at is not None:
        return  # the provider is behind: the portal has logged in already
    before, node.state = node.state, state
    if node.report_outcome != "error":  # otherwise the node's own report says more
        node.reason = (sighting.reason if sighting else "")[:500]
    with transaction.atomic():
        # Like every write of the loop: a worker that slept must not save what it saw before.
        unchanged = claimed_nodes(cluster).filter(pk=node.pk, state=before)
        if unchanged.update(state=node.state, reason=node.reason) != 1:
            raise ClaimLost(cluster.pk)
        if (
            state == NodeState.BOOTING
            and Node.objects.filter(pk=node.pk, registered_at__isnull=False).exists()
        ):
            return  # the log has the node's own word already, and it is further than that
        level = LogLevel.ERROR if state == NodeState.FAILED else LogLevel.INFO
        text = f"{node.name} failed" if state == NodeState.FAILED else f"{node.name} is {state}"
        why = f": {node.reason.rstrip('.')}" if node.reason else ""
        job_log.append(cluster.job, LogSource.PROVIDER, f"{text}{why}.", level=level, node=node.name)


def _save_nodes_down(cluster: Cluster, nodes: Sequence[Node], seen: Mapping[str, ObservedNode]) -> None:
    """Save which nodes are down while the cluster is released. The Job Log gets one event when all of them are."""
    down = [
        node.pk
        for node in nodes
        if node.state not in NODE_DOWN and (node.name not in seen or seen[node.name].state in NODE_DOWN)
    ]
    if down and claimed_nodes(cluster).filter(pk__in=down).update(state=NodeState.STOPPED):
        job_log.notify(cluster.job_id)
