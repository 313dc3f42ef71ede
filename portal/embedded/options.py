"""Read the options of an embedded instance from the environment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class CannotStart(Exception):
    """Raised with one sentence that says why Headnode cannot start."""


@dataclass(frozen=True)
class Options:
    """The address that the portal listens on, and the folder with its state."""

    host: str
    port: int
    var: Path

    @property
    def own_host(self) -> str:
        """Return the address at which this machine reaches the portal."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        """Return the URL of the portal for a browser on this machine."""
        host = f"[{self.own_host}]" if ":" in self.own_host else self.own_host
        return f"http://{host}:{self.port}/"


def read_options(environ: Mapping[str, str]) -> Options:
    """Return the options. Raises CannotStart for an invalid value."""
    text = environ.get("HEADNODE_PORT", "").strip() or "8000"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise CannotStart(f"HEADNODE_PORT={text} is not a port: choose a number from 1 to 65535.")
    var = Path(environ.get("HEADNODE_VAR", "").strip() or ROOT / "var").expanduser()
    host = environ.get("HEADNODE_HOST", "").strip() or "127.0.0.1"
    return Options(host=host, port=int(text), var=var.absolute())
