"""What the SSH server needs of the node that it serves."""

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from jobs.simulator.sandbox.agent_client import AgentClient
from jobs.simulator.ssh_server.access_policy import AccessPolicy, Proof


class ServedNode(Protocol):
    """A node with an agent; the server reads these and never changes them."""

    @property
    def hostname(self) -> str:
        """The name that the node calls itself."""

    @property
    def username(self) -> str:
        """The only user who may log in."""

    @property
    def home(self) -> str:
        """The home as the node's programs see it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables for every program, PATH among them."""

    @property
    def access(self) -> AccessPolicy:
        """Who may log in right now."""

    @property
    def cluster_key(self) -> bytes | None:
        """The key by which the cluster's nodes log in to each other."""

    def agent(self) -> AgentClient:
        """Return the agent's client; raise ChannelClosed if the node is not up."""

    def cluster_channels(self) -> int:
        """Return how many SSH channels are open on all nodes of the cluster."""

    def record_login(self, source_address: str, proof: Proof) -> None:
        """Record a login that has been proven."""

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end."""
