"""Read the simulator's settings from the environment. An unusable one raises WrongSetting with a hint."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


class WrongSetting(Exception):
    """A setting cannot be used. The text says which, why, and what to write instead."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set from outside."""

    listen: str
    var: Path
    token: str
    instant: bool
    sandbox: str
    seed: int
    address: str
    disk_floor_mb: int
    file_mb: int
    network_per_node: bool
    capacity: dict[str, int]

    @property
    def socket_path(self) -> Path | None:
        """The unix socket to listen on; None for a TCP address."""
        return Path(self.listen.removeprefix("unix:")) if self.listen.startswith("unix:") else None


def _choice(environ: dict[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise WrongSetting(f"{name} is {value!r}; use one of: {', '.join(choices)}.")
    return value


def _number(environ: dict[str, str], name: str, usual: int) -> int:
    value = environ.get(name) or str(usual)
    if not (value.isascii() and value.isdigit()) or len(value) > 12:
        raise WrongSetting(f"{name} is {value!r}; use a whole number.")
    return int(value)


def _token(environ: dict[str, str], var: Path) -> str:
    path = Path(environ.get("HEADNODE_SIMULATOR_TOKEN_FILE") or var / "token")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_TOKEN_FILE {path} cannot be made: {error.strerror}. Name a file in a folder you own."
        ) from None
    else:
        with open(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"HEADNODE_SIMULATOR_TOKEN_FILE {path} cannot be read: {error}.") from None
    if len(token) < 16:
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_TOKEN_FILE {path} holds fewer than 16 characters; delete it to get a new one."
        )
    return token


def _capacity(text: str) -> dict[str, int]:
    """Parse the cores of each core type: `emerald=2000,jade=64`."""
    found = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        core_type, _, cores = part.partition("=")
        if not core_type or not (cores.isascii() and cores.isdigit()) or len(cores) > 9:
            raise WrongSetting(
                f"HEADNODE_SIMULATOR_CAPACITY has {part!r}; write core types with their cores, "
                "such as emerald=2000,jade=64."
            )
        found[core_type] = int(cores)
    return found


def _listen_address(environ: dict[str, str], var: Path) -> str:
    listen = environ.get("HEADNODE_SIMULATOR_LISTEN") or f"unix:{var / 'simulator.sock'}"
    if listen.startswith("unix:"):
        if len(os.fsencode(listen.removeprefix("unix:"))) > 107:
            raise WrongSetting(
                "HEADNODE_SIMULATOR_LISTEN names a unix socket longer than 107 bytes; use a shorter path."
            )
    else:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise WrongSetting(
                f"HEADNODE_SIMULATOR_LISTEN is {listen!r}; use unix:/path/to.sock or address:port."
            )
    return listen


def read_settings(environ: dict[str, str]) -> Settings:
    """Return the settings. Makes the state directory and, if it is missing, the token file."""
    var = Path(environ.get("HEADNODE_SIMULATOR_VAR") or "var/simulator").absolute()
    try:
        var.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(var, 0o700)
    except OSError as error:
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_VAR {var} cannot be used: {error.strerror}. Name a folder this user may write."
        ) from None
    return Settings(
        listen=_listen_address(environ, var),
        var=var,
        token=_token(environ, var),
        instant=_choice(environ, "HEADNODE_SIMULATOR_BOOT", ("realistic", "instant")) == "instant",
        sandbox=_choice(environ, "HEADNODE_SIMULATOR_SANDBOX", ("auto", "bubblewrap", "uid", "none")),
        seed=_number(environ, "HEADNODE_SIMULATOR_SEED", 1),
        address=environ.get("HEADNODE_SIMULATOR_ADDRESS", ""),
        disk_floor_mb=_number(environ, "HEADNODE_SIMULATOR_DISK_FLOOR_MB", 1024),
        file_mb=_number(environ, "HEADNODE_SIMULATOR_FILE_MB", 20_000),
        network_per_node=_choice(environ, "HEADNODE_SIMULATOR_NETWORK", ("links", "shared")) == "links",
        capacity=_capacity(environ.get("HEADNODE_SIMULATOR_CAPACITY", "")),
    )
