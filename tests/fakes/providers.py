"""Providers that fail, each in one way. What works is tested against the real simulator."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.providers.base import (
    ClusterOrder,
    ListedCluster,
    LoginRecord,
    ObservedNode,
    OrderRefused,
    ProviderBusy,
    State,
)


class ProviderWhoseNodesNeverReport:
    """Accepts every order and boots for ever. Base of the others; everything else works."""

    def __init__(self) -> None:
        self.orders: list[ClusterOrder] = []
        self.there: dict[str, str] = {}
        self.released = 0
        self.broadcasts: list[tuple[str, str]] = []

    def plan(self, order: ClusterOrder) -> State:
        return {"id": order.cluster_id}

    def provision(self, order: ClusterOrder) -> State:
        self.orders.append(order)
        self.there = {node.name: "booting" for node in order.nodes}
        return {"id": order.cluster_id}

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        if not self.there:
            return None
        return {name: ObservedNode(name, value) for name, value in self.there.items()}

    def push_access(self, state: State, access_document: Mapping[str, Any]) -> int | None:
        """Accept the document; nobody ever logs in."""
        return int(access_document["version"])

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        """Ignore the certificates; nobody ever connects."""

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        return []

    def broadcast(self, state: State, message: str, key: str) -> None:
        self.broadcasts.append((key, message))

    def list(self) -> Sequence[ListedCluster]:
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
    """Does not answer the first calls, then accepts the order."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def provision(self, order: ClusterOrder) -> State:
        self.times -= 1
        if self.times >= 0:
            raise ProviderBusy("provider_unreachable", "The cloud does not answer.")
        return super().provision(order)


class ProviderThatForgets(ProviderWhoseNodesNeverReport):
    """Accepts the order and then does not know it."""

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        return None


class ProviderWhoseNodeFails(ProviderWhoseNodesNeverReport):
    """Its nodes fail to boot, and it says so."""

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        if not self.there:
            return None
        return {name: ObservedNode(name, "failed", "its image is broken") for name in self.there}


class ProviderThatAnswersTwice(ProviderWhoseNodesNeverReport):
    """Accepts the order, but loses the answer: the caller must repeat it and must not get two clusters."""

    def provision(self, order: ClusterOrder) -> State:
        state = super().provision(order)
        if len(self.orders) == 1:
            raise ProviderBusy("provider_unreachable", "The answer was lost.")
        return state
