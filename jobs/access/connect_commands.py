"""Every way to connect to a node, as commands to copy. Pure: no I/O, no Django.

A command means the same in bash, zsh, fish, cmd and PowerShell, so nobody has to be asked what they type it into.
Titles and explanations for people are in `recipe_words`; a recipe is named there by its id.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.access.quoting import bracketed, config_value, everywhere, ssh

TABS = ("openssh", "strict", "putty", "vscode", "files", "tunnels", "x11")
LOCAL_PORT, NODE_PORT = "LOCAL_PORT", "NODE_PORT"
# A service on the node is asked at the node's own loopback, as most of them listen only there.
LOOPBACK = "127.0.0.1"
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FOLDER = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")


@dataclass(frozen=True)
class SSHEndpoint:
    """Where a node is. Refuses (ValueError) what is no name or address, so that nothing in it can be an option.

    `head` is set when the way leads through the head node; `address` is then the name the head node knows it by.
    """

    username: str
    address: str
    port: int
    alias: str
    fingerprints: tuple[str, ...]
    known_hosts_file: str
    work_directory: str
    head: "Place | None" = None

    def __post_init__(self) -> None:
        """Check each part."""
        parts = (
            (_USERNAME, self.username),
            (_HOST, self.alias),
            (_FILE, self.known_hosts_file),
            (_FOLDER, self.work_directory),
            *((_FINGERPRINT, fingerprint) for fingerprint in self.fingerprints),
        )
        for pattern, text in parts:
            if not pattern.fullmatch(text):
                raise ValueError(f"{text!r} cannot be part of a command.")
        if not _is_address(self.address) and not _HOST.fullmatch(self.address):
            raise ValueError(f"{self.address!r} is neither an address nor a host name.")
        if not 1 <= self.port <= 65535:
            raise ValueError(f"{self.port} is no port.")

    @property
    def who(self) -> str:
        """As ssh and plink want it."""
        return f"{self.username}@{self.address}"

    @property
    def who_before_colon(self) -> str:
        """As sftp, scp, rsync and -J want it."""
        return f"{self.username}@{bracketed(self.address)}"


@dataclass(frozen=True)
class ConnectCommand:
    """One thing to copy. `template` is set when ports are part of it: the text with LOCAL_PORT and NODE_PORT."""

    id: str
    tab: str
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    template: str = ""
    field_templates: tuple[str, ...] = ()


def port_number(text: str) -> int | None:
    """The port that was typed; None when it is not a whole number from 1 to 65535."""
    if not re.fullmatch(r"[0-9]{1,5}", text.strip()):
        return None
    number = int(text.strip())
    return number if 1 <= number <= 65535 else None


def connect_commands_for(
    place: SSHEndpoint, direct: SSHEndpoint, local_port: int = 8888, node_port: int = 8888
) -> list[ConnectCommand]:
    """Every way to a node, tab by tab. `direct` is the node without the way through the head, for PuTTY."""
    return [
        *_openssh(place),
        *_strict(place),
        *_putty(direct),
        *_vscode(place),
        *_files(place, direct),
        *_tunnels(place, direct, local_port, node_port),
        ConnectCommand("x11", "x11", _ssh(place, "-Y")),
        ConnectCommand("x11-compressed", "x11", _ssh(place, "-Y", "-C")),
    ]


def _openssh(place: SSHEndpoint) -> list[ConnectCommand]:
    plain = _ssh(place) if place.head else ssh(place.username, place.address, place.port)
    found = [ConnectCommand("openssh", "openssh", plain)]
    return [*found, ConnectCommand("openssh-run", "openssh", f"{_ssh(place)} hostname")]


def _strict(place: SSHEndpoint) -> list[ConnectCommand]:
    authority = _strict_words(place, None)
    downloaded = _strict_words(place, place.known_hosts_file)
    return [
        ConnectCommand("strict-authority", "strict", everywhere("ssh", *authority)),
        ConnectCommand("strict-file", "strict", everywhere("ssh", *downloaded)),
    ]


def _putty(place: SSHEndpoint) -> list[ConnectCommand]:
    fields = (
        ("host", place.address),
        ("port", str(place.port)),
        ("username", place.username),
        ("key_file", "key.ppk"),
        *(("host_key", fingerprint) for fingerprint in place.fingerprints),
    )
    command = [*_plink_port(place), "-i", "key.ppk", *_pinned(place), place.who]
    return [
        ConnectCommand("putty-fields", "putty", fields=fields),
        ConnectCommand("plink", "putty", everywhere("plink", "-ssh", *command)),
        ConnectCommand("plink-batch", "putty", everywhere("plink", "-ssh", "-batch", *command, "hostname")),
    ]


def _vscode(place: SSHEndpoint) -> list[ConnectCommand]:
    blocks = [_config(place, place.head.alias if place.head else "")]
    if place.head:
        blocks.insert(0, _config(place.head, ""))
    words = ("code", "--remote", f"ssh-remote+{place.alias}", place.work_directory)
    return [
        ConnectCommand("vscode-config", "vscode", "\n\n".join(blocks)),
        ConnectCommand("vscode-open", "vscode", everywhere(*words)),
    ]


def _files(place: SSHEndpoint, direct: SSHEndpoint) -> list[ConnectCommand]:
    way, port, who = _way(place), _port_words("-P", place), place.who_before_colon
    up, down = f"{who}:work/shared/", f"{who}:work/process_output.log"
    shell = " ".join(["ssh", *way, *_port_words("-p", place)])  # rsync splits it at spaces, no shell sees it
    putty = [*_plink_port(direct), "-i", "key.ppk", *_pinned(direct)]
    texts = {
        "sftp": ("sftp", *way, *port, who),
        "scp-up": ("scp", *way, *port, "input.dat", up),
        "scp-down": ("scp", *way, *port, down, "."),
        "scp-old": ("scp", "-O", *way, *port, "input.dat", up),
        "rsync-up": ("rsync", "-av", "--partial", "-e", shell, "folder", up),
        "rsync-down": ("rsync", "-av", "--partial", "-e", shell, f"{who}:work/shared/", "results/"),
        "psftp": ("psftp", *putty, direct.who),
        "pscp-up": ("pscp", *putty, "input.dat", f"{direct.who_before_colon}:work/shared/"),
    }
    return [ConnectCommand(name, "files", everywhere(*words)) for name, words in texts.items()]


def _tunnels(place: SSHEndpoint, direct: SSHEndpoint, local: int, node: int) -> list[ConnectCommand]:
    def made(name: str, option: str, spec: str) -> ConnectCommand:
        words = ("-N", "-o", "ExitOnForwardFailure=yes", option, spec)
        template = _ssh(place, *words)
        return ConnectCommand(name, "tunnels", _filled(template, local, node), template=template)

    out, back = f"{LOCAL_PORT}:{LOOPBACK}:{NODE_PORT}", f"{NODE_PORT}:{LOOPBACK}:{LOCAL_PORT}"
    plink = ["plink", "-ssh", "-N", *_plink_port(direct), "-i", "key.ppk", *_pinned(direct)]
    plink_template = everywhere(*plink, "-L", out, direct.who)
    names = ("source_port", "destination")
    templates = (LOCAL_PORT, f"{LOOPBACK}:{NODE_PORT}")
    fields = tuple(
        (name, _filled(template, local, node)) for name, template in zip(names, templates, strict=True)
    )
    return [
        made("tunnel-local", "-L", out),
        made("tunnel-remote", "-R", back),
        made("tunnel-dynamic", "-D", LOCAL_PORT),
        ConnectCommand("tunnel-putty", "tunnels", fields=fields, field_templates=templates),
        ConnectCommand(
            "tunnel-plink", "tunnels", _filled(plink_template, local, node), template=plink_template
        ),
    ]


def _filled(template: str, local: int, node: int) -> str:
    return template.replace(LOCAL_PORT, str(local)).replace(NODE_PORT, str(node))


def _ssh(place: SSHEndpoint, *options: str) -> str:
    return everywhere("ssh", *options, *_way(place), *_port_words("-p", place), place.who)


def _way(place: SSHEndpoint) -> Sequence[str]:
    """Through the head node, when that is the way. The alias is one node's for ever; every cluster has a compute-1."""
    if place.head is None:
        return ()
    jump = place.head.who_before_colon
    if place.head.port != 22:
        jump += f":{place.head.port}"
    return ("-o", f"HostKeyAlias={place.alias}", "-J", jump)


def _strict_words(place: SSHEndpoint, known_hosts_file: str | None) -> list[str]:
    words = ["-o", f"HostKeyAlias={place.alias}", "-o", "StrictHostKeyChecking=yes"]
    if known_hosts_file:
        words += ["-o", f"UserKnownHostsFile={known_hosts_file}"]
    if place.head:
        # -J would ask the head node's key by the person's own settings: options are not passed on to it.
        inner = [*_strict_words(place.head, known_hosts_file)[:-1], "-W"]
        target = f"{bracketed(place.address)}:{place.port}"
        words += ["-o", f"ProxyCommand={' '.join(['ssh', *inner, target, place.head.who])}"]
    return [*words, *_port_words("-p", place), place.who]


def _port_words(option: str, place: SSHEndpoint) -> Sequence[str]:
    return () if place.port == 22 else (option, str(place.port))


def _plink_port(place: SSHEndpoint) -> Sequence[str]:
    return ("-P", str(place.port))


def _pinned(place: SSHEndpoint) -> Sequence[str]:
    return [word for fingerprint in place.fingerprints for word in ("-hostkey", fingerprint)]


def _config(place: SSHEndpoint, through: str) -> str:
    lines = [
        f"Host {config_value(place.alias)}",
        f"  HostName {config_value(place.address)}",
        f"  Port {place.port}",
        f"  User {config_value(place.username)}",
        f"  HostKeyAlias {config_value(place.alias)}",
    ]
    if through:
        lines.append(f"  ProxyJump {config_value(through)}")
    return "\n".join(lines)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
