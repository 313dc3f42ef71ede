"""The target of a connection: address, login name, pinned host keys. Pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """Where to connect, after access was decided: nothing more is asked before the connection is made.

    `principal` is the login name; `host_keys` are OpenSSH public key lines, one of which the node must prove to hold;
    `label` is for people ("head node of Ab12cd"); `subject` names what the target belongs to ("job:Ab12cd") and
    `node` which node of it ("head"); `core_type` is the code of its hardware, if it has one; `forbidden` are CIDR
    blocks that the name must not lead to.
    """

    address: str
    port: int
    principal: str
    host_keys: tuple[str, ...]
    label: str = ""
    subject: str = ""
    node: str = ""
    core_type: str = ""
    forbidden: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not self.host_keys:
            raise ValueError(
                "A target without a pinned host key cannot be trusted; pass at least one in host_keys."
            )
        if not 0 < self.port < 65536:
            raise ValueError(f"{self.port} is not a port.")
        if not self.principal:
            raise ValueError("A target needs a principal: the login name on the node.")

    @property
    def where(self) -> str:
        """The endpoint as people write it: `user@host:port`."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.principal}@{host}:{self.port}"
