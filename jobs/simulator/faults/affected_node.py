"""What faults need of the node that they affect."""

from typing import Protocol

from jobs.simulator.boot.node_record import NodeState
from jobs.simulator.faults.fault_kinds import FaultName
from jobs.simulator.faults.fault_rules import FaultRule, Faults
from jobs.simulator.sandbox.launcher_client import LauncherClient
from jobs.simulator.spec import NodeSpec
from jobs.simulator.ssh_server.host_identity import HostIdentity


class AffectedNode(Protocol):
    """A node that faults may affect."""

    @property
    def spec(self) -> NodeSpec:
        """What was ordered."""

    @property
    def cluster_id(self) -> str:
        """The cluster it belongs to."""

    @property
    def faults(self) -> Faults:
        """The faults that are on."""

    @property
    def state(self) -> NodeState:
        """Where it is in its life."""

    @property
    def is_closing(self) -> bool:
        """Whether its cluster is being closed."""

    @property
    def home(self) -> str:
        """The home as its programs see it."""

    @property
    def temporary_bytes(self) -> int:
        """The size of each of its temporary folders."""

    @property
    def identity(self) -> HostIdentity:
        """The host key that it shows."""

    def fault(self, name: FaultName) -> FaultRule | None:
        """Return the rule by which a fault is on for this node."""

    def say(self, text: str) -> None:
        """Add a line to the boot log."""

    def lose_power(self) -> None:
        """End everything on the node at once, if it is running."""

    async def launcher(self) -> LauncherClient:
        """Return the cluster's launcher; raise ChannelClosed if there is none."""
