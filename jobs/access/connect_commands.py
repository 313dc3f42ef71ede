"""Build every command that connects to a node, ready to copy. Pure: no I/O, no Django.

A command means the same in bash, zsh, fish, cmd and PowerShell, so the user need not choose a shell. Titles and
explanations are in `connect_labels`, by the command's id.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.access.quoting import bracketed, config_value, portable_command, ssh_command

TABS = ("openssh", "strict", "putty", "vscode", "files", "tunnels", "x11")
LOCAL_PORT, NODE_PORT = "LOCAL_PORT", "NODE_PORT"
# Tunnels lead to the node's own loopback, because most services listen only there.
LOOPBACK = "127.0.0.1"
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FOLDER = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")


@dataclass(frozen=True)
class SSHEndpoint:
    """The address and the names of a node. Raises ValueError for a part that could be read as an option.

    `head` is set when the connection goes through the head node; `address` is then the node's name on the cluster's
    network.
    """

    username: str
    address: str
    port: int
    alias: str
    fingerprints: tuple[str, ...]
    known_hosts_file: str
    work_directory: str
    head: "SSHEndpoint | None" = None

    def __post_init__(self) -> None:
        """Raise ValueError for a part that is not safe in a command."""
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
            raise ValueError(f"{self.port} is not a port.")

    @property
    def login(self) -> str:
        """`user@address`, as ssh and plink expect it."""
        return f"{self.username}@{self.address}"

    @property
    def login_before_colon(self) -> str:
        """`user@address` with IPv6 in brackets, as sftp, scp, rsync and -J expect it."""
        return f"{self.username}@{bracketed(self.address)}"


@dataclass(frozen=True)
class ConnectCommand:
    """A command, or fields, to copy. `template` is set when it has ports: the text with LOCAL_PORT and NODE_PORT."""

    id: str
    tab: str
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    template: str = ""
    field_templates: tuple[str, ...] = ()


def port_number(text: str) -> int | None:
    """Return the port that was typed; None unless it is a whole number from 1 to 65535."""
    if not re.fullmatch(r"[0-9]{1,5}", text.strip()):
        return None
    number = int(text.strip())
    return number if 1 <= number <= 65535 else None


def connect_commands_for(
    endpoint: SSHEndpoint, direct: SSHEndpoint, local_port: int = 8888, node_port: int = 8888
) -> list[ConnectCommand]:
    """Return every command for a node, tab by tab. `direct` is the node without a jump through the head (PuTTY)."""
    return [
        *_openssh(endpoint),
        *_strict(endpoint),
        *_putty(direct),
        *_vscode(endpoint),
        *_files(endpoint, direct),
        *_tunnels(endpoint, direct, local_port, node_port),
        ConnectCommand("x11", "x11", _ssh(endpoint, "-Y")),
        ConnectCommand("x11-compressed", "x11", _ssh(endpoint, "-Y", "-C")),
    ]


def _openssh(endpoint: SSHEndpoint) -> list[ConnectCommand]:
    plain = (
        _ssh(endpoint) if endpoint.head else ssh_command(endpoint.username, endpoint.address, endpoint.port)
    )
    found = [ConnectCommand("openssh", "openssh", plain)]
    return [*found, ConnectCommand("openssh-run", "openssh", f"{_ssh(endpoint)} hostname")]


def _strict(endpoint: SSHEndpoint) -> list[ConnectCommand]:
    authority = _strict_options(endpoint, None)
    downloaded = _strict_options(endpoint, endpoint.known_hosts_file)
    return [
        ConnectCommand("strict-authority", "strict", portable_command("ssh", *authority)),
        ConnectCommand("strict-file", "strict", portable_command("ssh", *downloaded)),
    ]


def _putty(endpoint: SSHEndpoint) -> list[ConnectCommand]:
    fields = (
        ("host", endpoint.address),
        ("port", str(endpoint.port)),
        ("username", endpoint.username),
        ("key_file", "key.ppk"),
        *(("host_key", fingerprint) for fingerprint in endpoint.fingerprints),
    )
    command = [*_plink_port_option(endpoint), "-i", "key.ppk", *_host_key_options(endpoint), endpoint.login]
    return [
        ConnectCommand("putty-fields", "putty", fields=fields),
        ConnectCommand("plink", "putty", portable_command("plink", "-ssh", *command)),
        ConnectCommand(
            "plink-batch", "putty", portable_command("plink", "-ssh", "-batch", *command, "hostname")
        ),
    ]


def _vscode(endpoint: SSHEndpoint) -> list[ConnectCommand]:
    blocks = [_config_block(endpoint, endpoint.head.alias if endpoint.head else "")]
    if endpoint.head:
        blocks.insert(0, _config_block(endpoint.head, ""))
    words = ("code", "--remote", f"ssh-remote+{endpoint.alias}", endpoint.work_directory)
    return [
        ConnectCommand("vscode-config", "vscode", "\n\n".join(blocks)),
        ConnectCommand("vscode-open", "vscode", portable_command(*words)),
    ]


def _files(endpoint: SSHEndpoint, direct: SSHEndpoint) -> list[ConnectCommand]:
    jump, port, login = _jump_options(endpoint), _port_option("-P", endpoint), endpoint.login_before_colon
    up, down = f"{login}:work/shared/", f"{login}:work/process_output.log"
    # rsync splits it at spaces; no shell reads it.
    shell = " ".join(["ssh", *jump, *_port_option("-p", endpoint)])
    putty = [*_plink_port_option(direct), "-i", "key.ppk", *_host_key_options(direct)]
    texts = {
        "sftp": ("sftp", *jump, *port, login),
        "scp-up": ("scp", *jump, *port, "input.dat", up),
        "scp-down": ("scp", *jump, *port, down, "."),
        "scp-old": ("scp", "-O", *jump, *port, "input.dat", up),
        "rsync-up": ("rsync", "-av", "--partial", "-e", shell, "folder", up),
        "rsync-down": ("rsync", "-av", "--partial", "-e", shell, f"{login}:work/shared/", "results/"),
        "psftp": ("psftp", *putty, direct.login),
        "pscp-up": ("pscp", *putty, "input.dat", f"{direct.login_before_colon}:work/shared/"),
    }
    return [ConnectCommand(name, "files", portable_command(*words)) for name, words in texts.items()]


def _tunnels(endpoint: SSHEndpoint, direct: SSHEndpoint, local: int, node: int) -> list[ConnectCommand]:
    def tunnel(name: str, option: str, spec: str) -> ConnectCommand:
        words = ("-N", "-o", "ExitOnForwardFailure=yes", option, spec)
        template = _ssh(endpoint, *words)
        return ConnectCommand(name, "tunnels", _with_ports(template, local, node), template=template)

    out, back = f"{LOCAL_PORT}:{LOOPBACK}:{NODE_PORT}", f"{NODE_PORT}:{LOOPBACK}:{LOCAL_PORT}"
    plink = ["plink", "-ssh", "-N", *_plink_port_option(direct), "-i", "key.ppk", *_host_key_options(direct)]
    plink_template = portable_command(*plink, "-L", out, direct.login)
    names = ("source_port", "destination")
    templates = (LOCAL_PORT, f"{LOOPBACK}:{NODE_PORT}")
    fields = tuple(
        (name, _with_ports(template, local, node)) for name, template in zip(names, templates, strict=True)
    )
    return [
        tunnel("tunnel-local", "-L", out),
        tunnel("tunnel-remote", "-R", back),
        tunnel("tunnel-dynamic", "-D", LOCAL_PORT),
        ConnectCommand("tunnel-putty", "tunnels", fields=fields, field_templates=templates),
        ConnectCommand(
            "tunnel-plink", "tunnels", _with_ports(plink_template, local, node), template=plink_template
        ),
    ]


def _with_ports(template: str, local: int, node: int) -> str:
    return template.replace(LOCAL_PORT, str(local)).replace(NODE_PORT, str(node))


def _ssh(endpoint: SSHEndpoint, *options: str) -> str:
    return portable_command(
        "ssh", *options, *_jump_options(endpoint), *_port_option("-p", endpoint), endpoint.login
    )


def _jump_options(endpoint: SSHEndpoint) -> Sequence[str]:
    """Options to jump through the head node. The alias is needed because every cluster has a compute-1."""
    if endpoint.head is None:
        return ()
    jump = endpoint.head.login_before_colon
    if endpoint.head.port != 22:
        jump += f":{endpoint.head.port}"
    return ("-o", f"HostKeyAlias={endpoint.alias}", "-J", jump)


def _strict_options(endpoint: SSHEndpoint, known_hosts_file: str | None) -> list[str]:
    words = ["-o", f"HostKeyAlias={endpoint.alias}", "-o", "StrictHostKeyChecking=yes"]
    if known_hosts_file:
        words += ["-o", f"UserKnownHostsFile={known_hosts_file}"]
    if endpoint.head:
        # With -J, ssh would check the head node's key by the user's own settings: it does not pass options on.
        inner = [*_strict_options(endpoint.head, known_hosts_file)[:-1], "-W"]
        target = f"{bracketed(endpoint.address)}:{endpoint.port}"
        words += ["-o", f"ProxyCommand={' '.join(['ssh', *inner, target, endpoint.head.login])}"]
    return [*words, *_port_option("-p", endpoint), endpoint.login]


def _port_option(option: str, endpoint: SSHEndpoint) -> Sequence[str]:
    return () if endpoint.port == 22 else (option, str(endpoint.port))


def _plink_port_option(endpoint: SSHEndpoint) -> Sequence[str]:
    return ("-P", str(endpoint.port))


def _host_key_options(endpoint: SSHEndpoint) -> Sequence[str]:
    return [word for fingerprint in endpoint.fingerprints for word in ("-hostkey", fingerprint)]


def _config_block(endpoint: SSHEndpoint, through: str) -> str:
    lines = [
        f"Host {config_value(endpoint.alias)}",
        f"  HostName {config_value(endpoint.address)}",
        f"  Port {endpoint.port}",
        f"  User {config_value(endpoint.username)}",
        f"  HostKeyAlias {config_value(endpoint.alias)}",
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
