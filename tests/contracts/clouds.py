"""Clouds for the provider's contract: the simulator, and each fake that stands for it, behind one small interface."""

import contextlib
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from jobs.providers.base import ClusterOrder, NodeOrder, Provider, ProviderError, State
from jobs.providers.simulated import SimulatedProvider
from tests.fakes.cloud import CloudThatMayBreakAnywhere, World
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import wait_for

PORTAL_ID = "a-portal-of-the-contract-tests"
OBSERVATIONS = 20


class CloudUnderTest(Protocol):
    """A cloud, what its orders look like, and how time passes in it."""

    @property
    def provider(self) -> Provider:
        """The provider under test."""
        ...

    def close(self) -> None:
        """Release whatever is left, and close."""
        ...

    def order(self, cluster_id: str, computes: int = 0, portal_id: str = PORTAL_ID) -> ClusterOrder:
        """Return a valid order."""
        ...

    def bring_up(self, state: State) -> None:
        """Let the nodes boot, and be so busy that none of them stops at once."""
        ...

    def now(self) -> datetime:
        """Return the time in this cloud."""
        ...

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Let time pass until the condition is true; fail after a limit."""
        ...


class SimulatedCloud:
    """The real simulator, over its API. `key` is one that its nodes know; `url` may be one that does not answer."""

    def __init__(self, simulator: Simulator, key: Path, url: str = "") -> None:
        self.simulator, self.key = simulator, key
        url = url or f"unix:{simulator.folder}/s.sock"
        self.provider = SimulatedProvider(url, str(simulator.folder / "token"))
        self._sessions: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        with contextlib.suppress(ProviderError):
            for listed in self.provider.list():
                self.provider.release(listed.state, "The test is over.")
        self.provider.close()
        for session in self._sessions:
            session.kill()
            session.communicate()

    def bring_up(self, state: State) -> None:
        cluster = Cluster(self.simulator, state["id"])
        for name in cluster.wait("running"):
            command = cluster.command(self.key, "trap '' TERM; echo up; sleep 60; sleep 60", node=name)
            session = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self._sessions.append(session)
            assert session.stdout is not None
            assert session.stdout.readline() == b"up\n"

    def order(self, cluster_id: str, computes: int = 0, portal_id: str = PORTAL_ID) -> ClusterOrder:
        return order_of(cluster_id, computes, portal_id, self.simulator.broker.url)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        wait_for(condition, what)


class CloudInMemory:
    """A fake. Time passes in `pass_time`, and in fakes without a clock with each observation."""

    def __init__(
        self,
        provider: Provider,
        pass_time: Callable[[], None] = lambda: None,
        boot: Callable[[State], None] = lambda state: None,
        now: datetime | None = None,
    ) -> None:
        self.provider, self._pass_time, self._boot, self._now = provider, pass_time, boot, now

    def close(self) -> None:
        pass

    def bring_up(self, state: State) -> None:
        self._boot(state)

    def order(self, cluster_id: str, computes: int = 0, portal_id: str = PORTAL_ID) -> ClusterOrder:
        return order_of(cluster_id, computes, portal_id, "http://127.0.0.1:1/context/v1/")

    def now(self) -> datetime:
        return self._now or datetime.now(UTC)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        for _ in range(OBSERVATIONS):
            if condition():
                return
            self._pass_time()
        raise AssertionError(f"Not within {OBSERVATIONS} observations: {what}")


def order_of(cluster_id: str, computes: int, portal_id: str, broker_url: str) -> ClusterOrder:
    """Return an order for a head node and some compute nodes with other hardware."""
    user = f"uprod_{cluster_id}"
    names = ["head", *(f"compute-{number + 1}" for number in range(computes))]
    nodes = [
        NodeOrder(
            name=name,
            role="head" if name == "head" else "compute",
            core_type="emerald" if name == "head" else "onyx",
            cores=2 if name == "head" else 4,
            memory_mb=1024,
            ssh_port=32100,
            boot_seconds=0.1,
            token=f"{user}/{name}",
        )
        for name in names
    ]
    return ClusterOrder(cluster_id, portal_id, user, f"/enc/{user}", broker_url, nodes)


def world_cloud() -> CloudInMemory:
    """Return the fake of the loop's tests."""
    now = datetime.now(UTC)
    world = World(now)
    return CloudInMemory(
        CloudThatMayBreakAnywhere(world),
        world.finish_what_was_asked,
        lambda state: world.clusters[state["id"]].come_up(),
        now,
    )


def plain_fake() -> CloudInMemory:
    """Return the fake of the controller's tests."""
    return CloudInMemory(ProviderWhoseNodesNeverReport())


def states_of(cloud: CloudUnderTest, state: State) -> dict[str, str] | None:
    """Return the states of the nodes by name; None if there is no cluster."""
    seen = cloud.provider.observe(state)
    return None if seen is None else {name: node.state for name, node in seen.items()}
