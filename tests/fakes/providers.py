"""Providers that fail, each in one way. What works is tested against the real simulator."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.node_contract.access_document import AccessDocument, read_access_document
from jobs.providers.base import (
    BillableNode,
    ClusterOrder,
    ListedCluster,
    LoginRecord,
    NodeUsage,
    ObservedNode,
    OrderRefused,
    ProviderBusy,
    State,
)
from jobs.states import NODE_ENDING


class ProviderWhoseNodesNeverReport:
    """Accepts every order for its one cluster and boots for ever. Base of the others; everything else works.

    What takes time is done one observation later: nodes are seen stopping before they have stopped.
    """

    def __init__(self) -> None:
        self.orders: list[ClusterOrder] = []
        self.there: dict[str, str] = {}
        self.reason = ""
        self.ended: dict[str, datetime] = {}
        self.released = 0
        self.is_ending = False
        self.access = AccessDocument()
        self.ordered_at = datetime.now(UTC)
        self.broadcasts: list[tuple[str, str]] = []

    def plan(self, order: ClusterOrder) -> State:
        return {"id": order.cluster_id}

    def provision(self, order: ClusterOrder) -> State:
        if self.is_ending:
            raise OrderRefused("deleting", "It is being deleted.")
        if self.there and self.orders[-1] != order:
            raise OrderRefused("spec_differs", "It exists with another specification.")
        self.orders.append(order)
        if not self.there:
            self.there = dict.fromkeys((node.name for node in order.nodes), "booting")
            self.ordered_at = datetime.now(UTC)
        return self.plan(order)

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        seen = {
            name: ObservedNode(name, value, self._reason_of(value), self.ordered_at, self.ended.get(name))
            for name, value in self.there.items()
        }
        if self.is_ending and "stopping" not in self.there.values():
            self.there, self.is_ending = {}, False
        for name, value in self.there.items():
            if value == "stopping":
                self.there[name] = "stopped"
                self.ended.setdefault(name, datetime.now(UTC))
        return seen or None

    def usage(self, state: State) -> Sequence[NodeUsage] | None:
        if not self.orders:
            return None
        return [
            NodeUsage(node.name, node.core_type, node.cores, self.ordered_at, self.ended.get(node.name))
            for node in self.orders[-1].nodes
        ]

    def _reason_of(self, state: str) -> str:
        return self.reason if state == "failed" else ""

    def push_access(self, state: State, access_document: Mapping[str, Any]) -> int | None:
        """Keep the newest document; nobody ever logs in."""
        if not self.there:
            return None
        self.access = read_access_document(access_document).after(self.access)
        return self.access.version

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        """Ignore the certificates; nobody ever connects."""

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        return []

    def broadcast(self, state: State, message: str, key: str) -> None:
        if self.there and key not in [shown for shown, _ in self.broadcasts]:
            self.broadcasts.append((key, message))

    def list(self) -> Sequence[ListedCluster]:
        if not self.there or not self.orders or not self.orders[-1].portal_id:
            return []
        order = self.orders[-1]
        nodes = [BillableNode(n.name, n.core_type, n.cores, self.there[n.name]) for n in order.nodes]
        return [ListedCluster(order.cluster_id, order.portal_id, self.plan(order), self.ordered_at, nodes)]

    def stop_nodes(self, state: State, names: Sequence[str], message: str) -> None:
        for name in names:
            if self.there.get(name, "stopped") not in NODE_ENDING:
                self.there[name] = "stopping"

    def release(self, state: State, message: str) -> None:
        if self.there:
            self.released += 1
            self.is_ending = True
            self.stop_nodes(state, list(self.there), message)


class ProviderWithoutCapacity(ProviderWhoseNodesNeverReport):
    """Refuses every order."""

    def provision(self, order: ClusterOrder) -> State:
        raise OrderRefused("no_capacity", "No room for 1 node.")


class ProviderDownAtFirst(ProviderWhoseNodesNeverReport):
    """Does not answer the first calls, whatever they ask, then works."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def _answer(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise ProviderBusy("provider_unreachable", "The cloud does not answer.")

    def provision(self, order: ClusterOrder) -> State:
        self._answer()
        return super().provision(order)

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        self._answer()
        return super().observe(state)

    def list(self) -> Sequence[ListedCluster]:
        self._answer()
        return super().list()

    def release(self, state: State, message: str) -> None:
        self._answer()
        super().release(state, message)


class ProviderThatForgets(ProviderWhoseNodesNeverReport):
    """Accepts the order and then does not know it."""

    def provision(self, order: ClusterOrder) -> State:
        state = super().provision(order)
        self.there = {}
        return state


class ProviderWhoseNodeFails(ProviderWhoseNodesNeverReport):
    """Its nodes fail to boot, and it says so."""

    def provision(self, order: ClusterOrder) -> State:
        state = super().provision(order)
        self.there, self.reason = dict.fromkeys(self.there, "failed"), "its image is broken"
        self.ended = dict.fromkeys(self.there, datetime.now(UTC))
        return state


class ProviderThatAnswersTwice(ProviderWhoseNodesNeverReport):
    """Accepts the order, but loses the answer: the caller must repeat it and must not get two clusters."""

    def provision(self, order: ClusterOrder) -> State:
        state = super().provision(order)
        if len(self.orders) == 1:
            raise ProviderBusy("provider_unreachable", "The answer was lost.")
        return state
