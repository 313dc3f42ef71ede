"""What of a cluster still runs, and so costs: named wherever somebody ends one."""

from dataclasses import dataclass
from decimal import Decimal

from jobs.models import Cluster, Node
from jobs.states import Observed

OFF = (Node.State.ORDERED, Node.State.STOPPED, Node.State.FAILED)


@dataclass(frozen=True)
class RunningNode:
    """A machine that is not off yet."""

    name: str
    core_type: str
    cores: int
    state: str
    cost_per_hour: Decimal


@dataclass(frozen=True)
class StillRunning:
    """The machines that are not off, and what they cost together while that is so."""

    nodes: list[RunningNode]
    cost_per_hour: Decimal
    currency: str

    @property
    def sentence(self) -> str:
        """For people and logs."""
        if not self.nodes:
            return "Nothing runs and nothing costs any more."
        names = ", ".join(node.name for node in self.nodes)
        return f"Still running, and costing {self.currency} {self.cost_per_hour:.2f} per hour: {names}."


def still_running_of(cluster: Cluster) -> StillRunning:
    """What runs now, as far as the portal has seen."""
    nodes = []
    currency = cluster.job.core_type.currency
    if cluster.observed_state not in (Observed.ABSENT, Observed.RELEASED):
        for node in cluster.nodes.select_related("core_type").exclude(state__in=OFF):
            kind = node.core_type
            nodes.append(
                RunningNode(
                    node.name, kind.code, node.cores, node.state, kind.price_per_core_hour * node.cores
                )
            )
    return StillRunning(nodes, sum((node.cost_per_hour for node in nodes), Decimal()), currency)
