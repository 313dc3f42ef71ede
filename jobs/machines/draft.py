"""Check a machine as somebody typed or sent it, before anything is stored. Pure: no I/O, no Django."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from accounts import cidr
from accounts.keys.key_material import key_material_in
from accounts.refusals import Refused, SeveralRefused
from jobs.machines import host_key_parsing

T = TypeVar("T")

MAX_NAME = 80
MAX_NOTES = 2000
MAX_USERNAME = 64
SCHEDULERS = ("", "pbs", "slurm")
PORTS = range(1, 65536)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_USERNAME = re.compile(r"[A-Za-z0-9_.@+-]+", re.ASCII)
# What the system takes for an IPv4 address in another spelling: 0x7f140001, 127.20.0x1.
_UNUSUAL_ADDRESS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class MachineDraft:
    """A machine as it was typed or sent. `port` may be the text of a number."""

    name: str
    host: str
    username: str
    host_key: str
    port: object = 22
    scheduler: str = ""
    notes: str = ""
    enabled: bool = True
    everyone: bool = False


@dataclass(frozen=True)
class CheckedMachine:
    """A draft without problems, normalized; `notice` says how the host keys were read, if that needs saying."""

    name: str
    host: str
    port: int
    username: str
    host_keys: tuple[str, ...]
    scheduler: str
    notes: str
    enabled: bool
    everyone: bool
    notice: str | None


def check_draft(draft: MachineDraft) -> CheckedMachine:
    """Return the draft normalized. Raises SeveralRefused with every problem that it has."""
    problems: list[Refused] = []

    def attempt(parse: Callable[[], T], fallback: T) -> T:
        try:
            return parse()
        except Refused as refused:
            problems.append(refused)
            return fallback

    name = attempt(lambda: _name(draft.name), "")
    host = attempt(lambda: parse_host(draft.host), "")
    port = attempt(lambda: _port(draft.port), 22)
    username = attempt(lambda: _username(draft.username), "")
    # Without a valid host a known_hosts line cannot be compared with it.
    keys = attempt(
        lambda: host_key_parsing.parse_host_keys(draft.host_key, host, port), host_key_parsing.HostKeys(())
    )
    if not host:
        problems = [problem for problem in problems if problem.reason != "other_host"]
    scheduler = attempt(lambda: _scheduler(draft.scheduler), "")
    notes = attempt(lambda: _notes(draft.notes), "")
    if problems:
        raise SeveralRefused(problems)
    return CheckedMachine(
        name=name,
        host=host,
        port=port,
        username=username,
        host_keys=keys.lines,
        scheduler=scheduler,
        notes=notes,
        enabled=draft.enabled,
        everyone=draft.everyone,
        notice=keys.notice,
    )


def parse_host(text: str) -> str:
    """Return a host name or an address in the form in which it is stored. Raises Refused with field `host`."""
    host = text.strip(" \t")
    if not host:
        raise _bad_host("host_missing", "Say where the machine is: a host name or an address.")
    if not host.isprintable() or any(c.isspace() for c in host):
        raise _bad_host("host_invalid", "A host has no spaces, line breaks or other such characters in it.")
    if "://" in host or "/" in host:
        raise _bad_host("host_is_url", "This is a URL. Write only the host name, such as login.example.org.")
    if "@" in host:
        raise _bad_host(
            "host_with_user", "Write the host without user@: the login name has a field of its own."
        )
    if host.startswith("-"):
        raise _bad_host("host_invalid", "A host cannot start with a hyphen.")
    try:
        return _address(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return _host_name(host)


def _address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.is_unspecified or address.is_multicast:
        raise _bad_host("host_invalid", f"{address} is no address of a machine.")
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise _bad_host(
            "host_invalid", "Leave out what follows the % sign: it means something on one computer only."
        )
    # One address, one spelling: what comes through IPv6 is the IPv4 address.
    return str(cidr.parse_address(str(address)))


def _host_name(host: str) -> str:
    name = host.lower().removesuffix(".")
    if re.fullmatch(r"\[?[^\[\]]+\]?:[0-9]+", name):
        raise _bad_host("host_with_port", "Write the host without the port: it has a field of its own.")
    if not name.isascii():
        raise _bad_host("host_invalid", "Write an international host name in its xn-- form.")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad_host(
            "host_invalid",
            "This is no host name and no address. A name has letters, digits, hyphens and dots: login.example.org.",
        )
    if labels[-1].isdigit() or _UNUSUAL_ADDRESS.fullmatch(name):
        raise _bad_host(
            "host_invalid", "This is no complete IPv4 address, such as 192.0.2.7, and no host name."
        )
    return name


def _bad_host(reason: str, message: str) -> Refused:
    return Refused(reason, message, field="host")


def _name(text: str) -> str:
    name = " ".join(text.split(" ")).strip()
    if not name:
        raise Refused("name_missing", "Give the machine a name.", field="name")
    if len(name) > MAX_NAME or not name.isprintable():
        raise Refused(
            "name_invalid",
            f"A machine's name has at most {MAX_NAME} characters, all printable.",
            field="name",
        )
    if key_material_in(name):
        message = "This looks like a key, not a name. It was not saved. Host keys belong in the field below."
        raise Refused("name_invalid", message, field="name")
    return name


def _port(value: object) -> int:
    if isinstance(value, str) and _PORT.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in PORTS:
        raise Refused(
            "port_invalid", "A port is a whole number from 1 to 65535; SSH's own is 22.", field="port"
        )
    return value


def _username(text: str) -> str:
    name = text.strip(" \t")
    if not name:
        raise Refused("username_missing", "Say which account of the machine to log in to.", field="username")
    if name.startswith("-") or len(name) > MAX_USERNAME or not _USERNAME.fullmatch(name):
        raise Refused(
            "username_invalid",
            f"A login name has at most {MAX_USERNAME} letters, digits and . _ @ + - and does not start with a hyphen.",
            field="username",
        )
    return name


def _scheduler(text: str) -> str:
    if text not in SCHEDULERS:
        raise Refused(
            "scheduler_unknown", "The scheduler is pbs, slurm or empty for none.", field="scheduler"
        )
    return text


def _notes(text: str) -> str:
    notes = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(notes) > MAX_NOTES or not all(c.isprintable() or c in "\n\t" for c in notes):
        raise Refused(
            "notes_invalid",
            f"Notes have at most {MAX_NOTES} characters, all of them printable.",
            field="notes",
        )
    return notes
