"""What contextualization needs of the node that boots."""

from collections.abc import Mapping
from typing import Protocol

from jobs.node_contract.access_document import AccessDocument
from jobs.node_contract.boot_lines import PhaseMark
from jobs.node_contract.context_files import Host
from jobs.node_contract.registration import Registration
from jobs.simulator.boot.node_record import NodeRecord
from jobs.simulator.sandbox.agent_client import AgentClient
from jobs.simulator.spec import NodeSpec


class BootingNode(Protocol):
    """A node whose agent runs and whose SSH server listens."""

    @property
    def spec(self) -> NodeSpec:
        """What was ordered."""

    @property
    def record(self) -> NodeRecord:
        """What is kept of it; contextualization sets `context`, `reported` and `phases_done`."""

    @property
    def registration(self) -> Registration:
        """Its host key and addresses."""

    @property
    def username(self) -> str:
        """The job's user."""

    @property
    def home(self) -> str:
        """The home as its programs see it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables for every program, PATH among them."""

    @property
    def context_folder(self) -> str:
        """Where its programs find their context."""

    @property
    def access_changes(self) -> int:
        """How often the access document was pushed; it tells whether one came while the node was registering."""

    def agent(self) -> AgentClient:
        """Return the agent's client; raise ChannelClosed if the node is not up."""

    def say(self, text: str, phase: str = "", mark: PhaseMark = PhaseMark.NOTE) -> None:
        """Add a line to the boot log and to the boot stream."""

    def apply_access(self, document: AccessDocument) -> None:
        """Put an access document in force, unless a newer one is."""

    async def show_certificates(self, certificates: list[str]) -> None:
        """Show host certificates to new connections."""

    def hosts(self) -> list[Host]:
        """Return every node of the cluster."""

    def write_context(self, files: Mapping[str, str], *, executable: bool = False) -> None:
        """Write files into the context folder. Raises OSError."""

    def save(self) -> None:
        """Save the record. Raises OSError."""

    def keep(self) -> None:
        """Save the record if the disk allows it."""

    def must_fail_context(self) -> bool:
        """Return whether the fault `context_fails` is on."""
