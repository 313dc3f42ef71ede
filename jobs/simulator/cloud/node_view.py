"""What the other rooms ask of a node: the SSH server, contextualization and faults see it through these."""

from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from jobs.node_contract.access_document import AccessDocument
from jobs.node_contract.boot_lines import PhaseMark
from jobs.node_contract.context_files import Host
from jobs.node_contract.registration import Registration
from jobs.simulator.boot.contextualization import Contextualization
from jobs.simulator.boot.node_record import NodeRecord, NodeState
from jobs.simulator.cloud.cluster_environment import ClusterEnvironment
from jobs.simulator.faults.fault_kinds import FaultName
from jobs.simulator.faults.fault_rules import FaultRule, Faults
from jobs.simulator.sandbox.agent_client import AgentClient
from jobs.simulator.sandbox.control_groups import ControlGroup
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.sandbox.launcher_client import LauncherClient
from jobs.simulator.spec import NodeSpec
from jobs.simulator.ssh_server.access_policy import AccessPolicy, Proof, ProofKind
from jobs.simulator.ssh_server.host_identity import HostIdentity
from jobs.simulator.ssh_server.server import NodeServer


class NodeCluster(Protocol):
    """What a node needs of its cluster."""

    @property
    def environment(self) -> ClusterEnvironment:
        """What the cluster's nodes share."""

    @property
    def is_closing(self) -> bool:
        """Whether every process of the cluster is being ended."""

    def hosts(self) -> list[Host]:
        """Return every node as the others reach it."""

    def cores_by_hostname(self) -> dict[str, int]:
        """Return every node's cores."""

    def channel_count(self) -> int:
        """Return how many SSH channels are open on all nodes."""

    def save(self) -> None:
        """Save the cluster with its nodes. Raises OSError."""

    def keep(self) -> None:
        """Save the cluster if the disk allows it."""


class NodeView:
    """A node's facts. Changes nothing but its log and the access document."""

    def __init__(self, cluster: NodeCluster, spec: NodeSpec, record: NodeRecord) -> None:
        self.spec, self.record = spec, record
        self._cluster, self._environment = cluster, cluster.environment
        self._agent: AgentClient | None = None
        self.control_group: ControlGroup | None = None
        self._contextualization: Contextualization | None = None
        self.server = NodeServer(self, self._environment.private_key(spec.name))

    # -- names and addresses ----------------------------------------------------------------------

    @property
    def cluster_id(self) -> str:
        """The cluster it belongs to."""
        return self._environment.spec.id

    @property
    def hostname(self) -> str:
        """The name that the node calls itself."""
        return self.record.address.hostname

    @property
    def username(self) -> str:
        """The only user who may log in."""
        return self._environment.spec.username

    @property
    def home(self) -> str:
        """The home as the node's programs see it."""
        return self._environment.home_inside

    @property
    def context_folder(self) -> str:
        """Where programs of the node find their context."""
        return self._environment.context_folder(self.hostname)

    @property
    def environment(self) -> Mapping[str, str]:
        """The PATH, the variables of the context, and where its files are."""
        variables = (self.record.context or {}).get("environment", {})
        return {"PATH": self._environment.path, **variables, "HEADNODE_CONTEXT": self.context_folder}

    @property
    def identity(self) -> HostIdentity:
        """The host key that the node shows."""
        return self.server.identity

    @property
    def host(self) -> Host:
        """The node as the others reach it."""
        address = self.record.address.private_address
        return Host(self.spec.name, self.hostname, address, self.spec.ssh_port, self.identity.line)

    @property
    def registration(self) -> Registration:
        """What it registers with."""
        address = self.record.address
        return Registration(
            (self.identity.line,), address.address, address.port, address.private_address, address.hostname
        )

    def document(self) -> dict[str, Any]:
        """Return the API's document of the node."""
        record, address = self.record, self.record.address
        return {
            "name": self.spec.name,
            "role": self.spec.role,
            "core_type": self.spec.core_type,
            "cores": self.spec.cores,
            "state": record.state.value,
            "reason": record.reason,
            "address": address.address,
            "port": address.port,
            "private_address": address.private_address,
            "hostname": address.hostname,
            "log": record.log_text,
            **record.span(),
        }

    def usage(self) -> dict[str, Any]:
        """Return what the bill needs: the hardware, and from when until when it existed."""
        return {
            "name": self.spec.name,
            "core_type": self.spec.core_type,
            "cores": self.spec.cores,
            **self.record.span(),
        }

    # -- its processes ----------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Whether its agent runs."""
        return self._agent is not None and self._agent.alive

    def agent(self) -> AgentClient:
        """Return the agent's client; raise ChannelClosed if the node is not up."""
        if self._agent is None or not self.is_up:
            raise ChannelClosed("the node is not running")
        return self._agent

    async def launcher(self) -> LauncherClient:
        """Return the cluster's launcher. Raises ChannelClosed."""
        return await self._environment.launcher()

    @property
    def temporary_bytes(self) -> int:
        """The size of each of its temporary folders."""
        return self._environment.limits(self.spec).temporary_bytes

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end."""
        self._environment.background(work)

    # -- access -----------------------------------------------------------------------------------

    @property
    def access(self) -> AccessPolicy:
        """Who may log in right now."""
        return self._environment.access.policy

    @property
    def access_changes(self) -> int:
        """How often an access document was pushed."""
        return self._environment.access.changes

    def apply_access(self, document: AccessDocument) -> None:
        """Put an access document in force, unless a newer one is."""
        self._environment.access.apply(document)

    @property
    def cluster_key(self) -> bytes | None:
        """The key by which the cluster's nodes log in to each other."""
        return self._environment.cluster_key

    def cluster_channels(self) -> int:
        """Return how many SSH channels are open on all nodes of the cluster."""
        return self._cluster.channel_count()

    def record_login(self, source_address: str, proof: Proof) -> None:
        """Record a login that has been proven."""
        is_certificate = proof.kind is ProofKind.CERTIFICATE
        is_own = is_certificate and proof.blob not in self.access.authorities
        self._environment.logins.add(
            self.spec.name,
            self.username,
            source_address,
            fingerprint="" if is_certificate else proof.fingerprint,
            certificate=proof.certificate_id if is_certificate else "",
            authority=proof.fingerprint if is_own else "",
        )

    async def show_certificates(self, certificates: list[str]) -> None:
        """Show these host certificates to new connections, also after a restart."""
        if self.record.context is not None:
            self.record.context["host_certificates"] = certificates
        await self.identity.show_certificates(certificates)

    # -- faults -----------------------------------------------------------------------------------

    @property
    def faults(self) -> Faults:
        """The faults that are on."""
        return self._environment.services.faults

    def fault(self, name: FaultName) -> FaultRule | None:
        """Return the rule by which a fault is on for this node."""
        return self.faults.get(name, self.cluster_id, self.spec.name)

    def must_fail_context(self) -> bool:
        """Return whether the fault `context_fails` is on."""
        return self.fault(FaultName.CONTEXT_FAILS) is not None

    def delivers_twice(self) -> bool:
        """Return whether everything it reports is delivered twice (the fault `duplicate_answers`)."""
        return self.fault(FaultName.DUPLICATE_ANSWERS) is not None

    # -- its boot and its record ------------------------------------------------------------------

    @property
    def state(self) -> NodeState:
        """Where it is in its life."""
        return self.record.state

    @property
    def is_closing(self) -> bool:
        """Whether its cluster is being closed."""
        return self._cluster.is_closing

    def say(self, text: str, phase: str = "", mark: PhaseMark = PhaseMark.NOTE) -> None:
        """Add a line to the boot log and, while the node becomes a member, to its boot stream."""
        now = datetime.now(UTC)
        self.record.add_to_log(now, text, phase)
        if self._contextualization is not None:
            self._contextualization.stream.add(now, text, phase, mark)

    def hosts(self) -> list[Host]:
        """Return every node of the cluster."""
        return self._cluster.hosts()

    def write_context(self, files: Mapping[str, str], *, executable: bool = False) -> None:
        """Write files into the node's context folder. Raises OSError."""
        self._environment.write_context(self.hostname, files, executable=executable)

    def save(self) -> None:
        """Save the record. Raises OSError."""
        self._cluster.save()

    def keep(self) -> None:
        """Save the record if the disk allows it."""
        self._cluster.keep()
