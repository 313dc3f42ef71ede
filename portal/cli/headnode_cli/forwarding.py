"""Which port leads where: `8888`, `8080:80`, `8080:db:5432`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import WrongUsage

_WORDS = re.compile(r"(?:(\d{1,5}):)?(?:([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):)?(\d{1,5})")
# The node's own loopback: most services listen only there.
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Forwarding:
    """A port of this computer's, and the host and port it leads to, as the node sees them."""

    local: int
    host: str
    port: int

    @property
    def option(self) -> str:
        """The value of ssh's -L. Only this computer may use the port."""
        return f"127.0.0.1:{self.local}:{self.host}:{self.port}"


def parse_forwarding(text: str) -> Forwarding:
    """Return the forwarding that is meant. Raises WrongUsage."""
    found = _WORDS.fullmatch(text)
    if found is None:
        raise WrongUsage(f"{text!r} names no port. Write 8888, LOCAL:PORT or LOCAL:HOST:PORT.")
    port = int(found.group(3))
    forwarding = Forwarding(int(found.group(1) or port), found.group(2) or LOOPBACK, port)
    if not (1 <= forwarding.local <= 65535 and 1 <= port <= 65535):
        raise WrongUsage(f"{text!r}: a port is a number from 1 to 65535.")
    return forwarding
