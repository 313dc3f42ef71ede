"""The options of an embedded instance. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class CannotStart(Exception):
    """Raised with a sentence that says why Headnode cannot start; with one a line, if there are several reasons."""


@dataclass(frozen=True)
class Options:
    """The address that the portal listens on, and the folder with its state."""

    host: str
    port: int
    var: Path

    @property
    def own_host(self) -> str:
        """Return the address at which this machine reaches the portal."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        """Return the URL of the portal for a browser on this machine."""
        host = f"[{self.own_host}]" if ":" in self.own_host else self.own_host
        return f"http://{host}:{self.port}/"


def read_options(values: Mapping[str, Any]) -> Options:
    """Return the options of these settings (`portal.configuration`)."""
    return Options(host=values["HEADNODE_HOST"], port=values["HEADNODE_PORT"], var=values["HEADNODE_VAR"])
