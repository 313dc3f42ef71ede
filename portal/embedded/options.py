"""What the environment asks of an embedded instance. Pure: reads a mapping, touches nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class CannotStart(Exception):
    """Why Headnode does not start: one sentence for the person who started it."""


@dataclass(frozen=True)
class Options:
    """Where the portal listens and where it keeps its state."""

    host: str
    port: int
    var: Path

    @property
    def own_host(self) -> str:
        """The address this machine itself reaches the portal at."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the portal."""
        host = f"[{self.own_host}]" if ":" in self.own_host else self.own_host
        return f"http://{host}:{self.port}/"


def read(environ: Mapping[str, str]) -> Options:
    """The options of this environment. Raises CannotStart when a value makes no sense."""
    text = environ.get("HEADNODE_PORT", "").strip() or "8000"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise CannotStart(f"HEADNODE_PORT={text} is not a port: choose a number from 1 to 65535.")
    var = Path(environ.get("HEADNODE_VAR", "").strip() or ROOT / "var").expanduser()
    host = environ.get("HEADNODE_HOST", "").strip() or "127.0.0.1"
    return Options(host=host, port=int(text), var=var.absolute())
