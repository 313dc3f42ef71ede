"""Declare and read the simulator's settings. Unusable ones raise WrongSetting: a sentence with a hint for each.

`VARIABLES` is the one declaration: the operator's documentation is made from it, and `make run` checks it at the start.
"""

import difflib
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

PREFIX = "HEADNODE_SIMULATOR_"
# The portal's: where it reaches the simulator.
OTHERS = ("HEADNODE_SIMULATOR_URL",)
SOCKET_PATH_LIMIT = 107


class WrongSetting(Exception):
    """Raised for settings that cannot be used. The text has a sentence for each: which, why, what to write instead."""


@dataclass(frozen=True)
class Variable:
    """One environment variable. `parse` returns its value, or raises ValueError with a hint of what to write."""

    name: str
    values: str
    default: Any
    parse: Callable[[str], Any]
    meaning: str
    default_shown: str = ""


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
    control_groups: bool
    capacity: dict[str, int]

    @property
    def socket_path(self) -> Path | None:
        """The unix socket to listen on; None for a TCP address."""
        return Path(self.listen.removeprefix("unix:")) if self.listen.startswith("unix:") else None


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"Use one of: {', '.join(choices)}.")
    return text


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > most:
        raise ValueError(f"Use a whole number from 0 to {most}.")
    return int(text)


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("Use an address of this machine, such as 127.0.0.1.") from None
    return text


def _path(text: str) -> Path:
    return Path(text).absolute()


def _capacity(text: str) -> dict[str, int]:
    """Parse the cores of each core type: `emerald=2000,jade=64`."""
    found = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        core_type, _, cores = part.partition("=")
        if not core_type or not (cores.isascii() and cores.isdigit()) or len(cores) > 9:
            raise ValueError("Write core types with their cores, such as emerald=2000,jade=64.")
        found[core_type] = int(cores)
    return found


def _listen_address(text: str) -> str:
    if text.startswith("unix:"):
        if len(os.fsencode(text.removeprefix("unix:"))) > SOCKET_PATH_LIMIT:
            raise ValueError(f"Use a path of at most {SOCKET_PATH_LIMIT} bytes, the limit for unix sockets.")
        return text
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or len(port) > 5 or not 0 < int(port) < 65536:
        raise ValueError("Use unix:/path/to.sock or address:port.")
    return text


BOOTS = ("realistic", "instant")
SANDBOXES = ("auto", "bubblewrap", "uid", "none")
CONTROL_GROUPS = ("auto", "off")
NETWORKS = ("links", "shared")
MOST_MB = 10_000_000_000

VARIABLES = (
    Variable(
        "HEADNODE_SIMULATOR_LISTEN",
        "`unix:` and a path, or address:port",
        "",
        _listen_address,
        "Where the simulator listens.",
        "`make run`: a socket in HEADNODE_VAR",
    ),
    Variable(
        "HEADNODE_SIMULATOR_VAR",
        "path",
        Path("var/simulator"),
        _path,
        "The simulator's state.",
        "`make run`: `HEADNODE_VAR/simulator`",
    ),
    Variable(
        "HEADNODE_SIMULATOR_TOKEN_FILE",
        "path",
        None,
        _path,
        "The file of the secret that the portal and the simulator share.",
        "`HEADNODE_VAR/simulator-token`",
    ),
    Variable(
        "HEADNODE_SIMULATOR_BOOT",
        ", ".join(BOOTS),
        BOOTS[0],
        partial(_choice, choices=BOOTS),
        "`instant`: nodes boot without waiting (tests, benchmarks).",
    ),
    Variable(
        "HEADNODE_SIMULATOR_SANDBOX",
        ", ".join(SANDBOXES),
        SANDBOXES[0],
        partial(_choice, choices=SANDBOXES),
        "What keeps the programs of nodes apart from this machine. `auto`: the best that works. `none`: never as root, "
        "and for one user only.",
    ),
    Variable(
        "HEADNODE_SIMULATOR_CONTROL_GROUPS",
        ", ".join(CONTROL_GROUPS),
        CONTROL_GROUPS[0],
        partial(_choice, choices=CONTROL_GROUPS),
        "`auto`: where the kernel gives some, it counts and limits the memory and the processes of each node. `off`: "
        "only the nodes' own guards do.",
    ),
    Variable(
        "HEADNODE_SIMULATOR_ADDRESS",
        "address",
        "",
        _address,
        "One address for all nodes, which then differ by port (containers).",
        "each node its own",
    ),
    Variable(
        "HEADNODE_SIMULATOR_NETWORK",
        ", ".join(NETWORKS),
        NETWORKS[0],
        partial(_choice, choices=NETWORKS),
        "`shared`: the nodes of a cluster share one network namespace, as they do where the kernel has no bridge.",
    ),
    Variable(
        "HEADNODE_SIMULATOR_CAPACITY",
        "core types with cores: `emerald=2000,jade=64`",
        {},
        _capacity,
        "The cores that the cloud has, by core type. Administrators can change it while it runs.",
        "by the seed",
    ),
    Variable(
        "HEADNODE_SIMULATOR_DISK_FLOOR_MB",
        f"0 to {MOST_MB}",
        1024,
        partial(_number, most=MOST_MB),
        "Below this much free space, in MB, the nodes of the largest home fail with `disk_full`.",
    ),
    Variable(
        "HEADNODE_SIMULATOR_FILE_MB",
        f"0 to {MOST_MB}",
        20_000,
        partial(_number, most=MOST_MB),
        "The largest file that a node's user may write, in MB.",
    ),
    Variable(
        "HEADNODE_SIMULATOR_SEED",
        f"0 to {10**12}",
        1,
        partial(_number, most=10**12),
        "Seeds the simulator's random numbers.",
    ),
)


def parse_settings(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the value of every variable by name, and a sentence for each text that is wrong. Touches no file.

    Empty texts count as unset. The value of a variable with a wrong text is its default.
    """
    values: dict[str, Any] = {}
    sentences = [_unknown(name) for name in sorted(environ) if _is_unknown(name)]
    for variable in VARIABLES:
        text = environ.get(variable.name, "").strip()
        values[variable.name] = variable.default
        try:
            if text:
                values[variable.name] = variable.parse(text)
        except ValueError as error:
            sentences.append(f"{variable.name}={text!r} cannot be used. {error}")
    return values, sentences


def sandbox_refusal(sandbox: str, is_root: bool) -> str:
    """Return why nodes may not have this protection; an empty text if they may."""
    if sandbox != "none" or not is_root:
        return ""
    return (
        "HEADNODE_SIMULATOR_SANDBOX=none cannot be used as root: who logs in to a node would be this machine's root. "
        "Use auto, which gives each cluster a user of its own, or start Headnode as an ordinary user."
    )


def _is_unknown(name: str) -> bool:
    return name.startswith(PREFIX) and name not in OTHERS and name not in {known.name for known in VARIABLES}


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, [known.name for known in VARIABLES], n=1, cutoff=0)
    return f"{name} is not a setting of the simulator. Did you mean {near[0]}?"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Creates the state folder and, if it is missing, the token file."""
    values, sentences = parse_settings(environ)
    var: Path = values["HEADNODE_SIMULATOR_VAR"].absolute()
    listen = values["HEADNODE_SIMULATOR_LISTEN"] or f"unix:{var / 'simulator.sock'}"
    if not sentences:
        try:
            _listen_address(listen)
        except ValueError as error:
            sentences.append(f"HEADNODE_SIMULATOR_VAR={str(var)!r} cannot hold the socket. {error}")
    if sentences:
        raise WrongSetting("\n".join(sentences))
    _make_private_folder(var)
    return Settings(
        listen=listen,
        var=var,
        token=_read_or_create_token(values["HEADNODE_SIMULATOR_TOKEN_FILE"] or var / "token"),
        instant=values["HEADNODE_SIMULATOR_BOOT"] == "instant",
        sandbox=values["HEADNODE_SIMULATOR_SANDBOX"],
        seed=values["HEADNODE_SIMULATOR_SEED"],
        address=values["HEADNODE_SIMULATOR_ADDRESS"],
        disk_floor_mb=values["HEADNODE_SIMULATOR_DISK_FLOOR_MB"],
        file_mb=values["HEADNODE_SIMULATOR_FILE_MB"],
        network_per_node=values["HEADNODE_SIMULATOR_NETWORK"] == "links",
        control_groups=values["HEADNODE_SIMULATOR_CONTROL_GROUPS"] == "auto",
        capacity=values["HEADNODE_SIMULATOR_CAPACITY"],
    )


def _make_private_folder(var: Path) -> None:
    try:
        var.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(var, 0o700)
    except OSError as error:
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_VAR {var} cannot be used: {error.strerror}. Name a folder this user may write."
        ) from None


def _read_or_create_token(path: Path) -> str:
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
