"""What is kept of a node on disk: its address, its state, and how far its boot has come."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from jobs.node_contract.boot_lines import log_line

MAX_LOG_LINES = 500


class NodeState(StrEnum):
    """Where a node is in its life."""

    BOOTING = "booting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


ENDED = frozenset({NodeState.STOPPED, NodeState.FAILED})
ENDING = frozenset({NodeState.STOPPING, *ENDED})


class FailureReason(StrEnum):
    """Why a node failed, if the simulator itself is the one to say so. The broker's refusals have their own reasons."""

    BOOT_FAILED = "boot_failed"
    BROKER_SILENT = "broker_silent"
    SANDBOX_FAILED = "sandbox_failed"
    ADDRESS_LOST = "address_lost"
    CONTEXT_FAILED = "context_failed"
    NODE_DIED = "node_died"
    DISK_FULL = "disk_full"
    STATE_UNWRITABLE = "state_unwritable"


class BootFailed(Exception):
    """The node cannot start: a reason, and a sentence."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class NodeAddress:
    """Where a node's SSH server is reached from outside, and its address inside the cluster."""

    address: str
    port: int
    private_address: str

    @property
    def hostname(self) -> str:
        """The host name of a node with this private address."""
        return "ip-" + self.private_address.replace(".", "-")


@dataclass
class NodeRecord:
    """What is kept of one node."""

    address: NodeAddress
    state: NodeState = NodeState.BOOTING
    reason: str = ""
    log: list[str] = field(default_factory=list)
    context: dict[str, Any] | None = None
    reported: bool = False
    boots: int = 0  # how often it was booted again; the numbers of its boot lines depend on it
    phases_done: list[str] = field(default_factory=list)  # these need not be done again
    since: datetime = field(
        default_factory=lambda: datetime.now(UTC)
    )  # when it was ordered: it costs from then on
    until: datetime | None = None  # when it ended: it costs no more
    ran_before: bool = False  # it ran when the simulator was killed, and may be running still

    @property
    def log_text(self) -> str:
        """The log of the boot."""
        return "".join(line + "\n" for line in self.log)

    def add_to_log(self, at: datetime, text: str, phase: str) -> None:
        """Add a line; the oldest ones are dropped."""
        self.log.append(log_line(at, text, phase))
        del self.log[:-MAX_LOG_LINES]

    def change_state(self, state: NodeState, reason: str) -> None:
        """Enter a state; the first one that ends the node notes when."""
        self.state, self.reason = state, reason
        if state in ENDED and self.until is None:
            self.until = datetime.now(UTC)

    def span(self) -> dict[str, str | None]:
        """Return from when until when it existed."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat() if self.until else None}

    def as_json(self) -> dict[str, Any]:
        """Return the document that `read_after_restart` reads."""
        return {
            "place": vars(self.address),
            "state": self.state.value,
            "reason": self.reason,
            "log": self.log,
            "context": self.context,
            "reported": self.reported,
            "boots": self.boots,
            "done": self.phases_done,
            **self.span(),
        }


def read_after_restart(document: dict[str, Any]) -> NodeRecord:
    """Return the record of a node whose simulator was started again: it is taken up, booted again, or has stopped."""
    record = NodeRecord(
        NodeAddress(**document["place"]),
        NodeState(document["state"]),
        document["reason"],
        document["log"],
        document["context"],
        document["reported"],
        document.get("boots", 0) + 1,
        document.get("done", []),
    )
    # Records of older versions have no times: they count from now.
    if document.get("since"):
        record.since = datetime.fromisoformat(document["since"])
    if document.get("until"):
        record.until = datetime.fromisoformat(document["until"])
    if record.state is NodeState.STOPPING:
        record.change_state(NodeState.STOPPED, record.reason)
    elif record.state is NodeState.RUNNING:
        record.state, record.ran_before = NodeState.BOOTING, True
    return record
