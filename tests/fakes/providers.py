"""Providers that fail, each in one way. What works is tested against the simulator, which is real."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.providers.base import (
    ClusterOrder,
    ClusterSighting,
    LoginRecord,
    NodeSighting,
    OrderRefused,
    ProviderBusy,
    State,
)


class ProviderWhoseNodesNeverReport:
    """Takes every order and boots for ever. The base of the others: the rest of it works."""

    def __init__(self) -> None:
        self.orders: list[ClusterOrder] = []
        self.there: dict[str, str] = {}
        self.released = 0
        self.told: list[tuple[str, str]] = []

    def plan(self, order: ClusterOrder) -> State:
        return {"id": order.cluster_id}

    def provision(self, order: ClusterOrder) -> State:
        self.orders.append(order)
        self.there = {node.name: "booting" for node in order.nodes}
        return {"id": order.cluster_id}

    def observe(self, state: State) -> Mapping[str, NodeSighting] | None:
        if not self.there:
            return None
        return {name: NodeSighting(name, value) for name, value in self.there.items()}

    def admit(self, state: State, admission: Mapping[str, Any]) -> int | None:
        """Nobody ever comes in."""
        return int(admission["version"])

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        """Its nodes show nobody anything."""

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        return []

    def broadcast(self, state: State, message: str, key: str) -> None:
        self.told.append((key, message))

    def list(self) -> Sequence[ClusterSighting]:
        return []

    def stop_nodes(self, state: State, names: Sequence[str], message: str) -> None:
        self.there.update(dict.fromkeys(names, "stopped"))

    def release(self, state: State, message: str) -> None:
        self.released += 1
        self.there = {}


class ProviderWithoutCapacity(ProviderWhoseNodesNeverReport):
    """Refuses every order."""

    def provision(self, order: ClusterOrder) -> State:
        raise OrderRefused("no_capacity", "No room for 1 node.")


class ProviderDownAtFirst(ProviderWhoseNodesNeverReport):
    """Does not answer the first calls, then takes the order."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def provision(self, order: ClusterOrder) -> State:
        self.times -= 1
        if self.times >= 0:
            raise ProviderBusy("provider_unreachable", "The cloud does not answer.")
        return super().provision(order)


class ProviderThatForgets(ProviderWhoseNodesNeverReport):
    """Takes the order and then knows nothing of it."""

    def observe(self, state: State) -> Mapping[str, NodeSighting] | None:
        return None


class ProviderWhoseNodeFails(ProviderWhoseNodesNeverReport):
    """A node never comes up, and the provider says so."""

    def observe(self, state: State) -> Mapping[str, NodeSighting] | None:
        if not self.there:
            return None
        return {name: NodeSighting(name, "failed", "its image is broken") for name in self.there}


class ProviderThatAnswersTwice(ProviderWhoseNodesNeverReport):
    """Takes the order, but the answer is lost: the caller must ask again and must not get two clusters."""

    def provision(self, order: ClusterOrder) -> State:
        state = super().provision(order)
        if len(self.orders) == 1:
            raise ProviderBusy("provider_unreachable", "The answer was lost.")
        return state
