"""List the nodes of a cluster that still run, and what they cost. Shown wherever a cluster is terminated."""

from dataclasses import dataclass
from decimal import Decimal

from jobs.costs.amount_text import money_text
from jobs.costs.rates import node_price_per_hour
from jobs.models import Cluster
from jobs.states import NODE_UNBILLED, NOT_AT_PROVIDER


@dataclass(frozen=True)
class RunningNode:
    """A node that is not off yet."""

    name: str
    core_type: str
    cores: int
    state: str
    cost_per_hour: Decimal


@dataclass(frozen=True)
class StillRunning:
    """The nodes that are not off, and the price per hour of all of them."""

    nodes: list[RunningNode]
    cost_per_hour: Decimal
    currency: str

    @property
    def sentence(self) -> str:
        """The list as a sentence, for pages and logs."""
        if not self.nodes:
            return "Nothing runs and nothing costs any more."
        names = ", ".join(node.name for node in self.nodes)
        cost = money_text(self.cost_per_hour, self.currency)
        return f"Still running, and costing {cost} per hour: {names}."


def still_running_of(cluster: Cluster) -> StillRunning:
    """Return what runs now, as far as the portal has observed."""
    nodes = []
    currency = cluster.job.core_type.currency
    if cluster.observed_state not in NOT_AT_PROVIDER:
        for node in cluster.nodes.select_related("core_type").exclude(state__in=NODE_UNBILLED):
            price = node_price_per_hour(node.core_type.price_per_core_hour, node.cores)
            nodes.append(RunningNode(node.name, node.core_type_id, node.cores, node.state, price))
    return StillRunning(nodes, sum((node.cost_per_hour for node in nodes), Decimal()), currency)
