"""The files a node finds in /etc: pure text, made once per cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UID = 1000

# The machine's own files that programs need and that tell nothing about it.
BORROWED = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "services", "protocols", "inputrc",
    "ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust/extracted", "terminfo",
    "mime.types", "python3", "perl", "vim", "nanorc", "bash_completion.d", "fonts", "X11/rgb.txt", "slurm",
)  # fmt: skip

PROFILE = r"""# Made by the simulator.
export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"
[ -n "$BASH_VERSION" ] && [ -n "$PS1" ] && . /etc/bash.bashrc
umask 022
"""

BASHRC = r"""# Made by the simulator.
[ -z "$PS1" ] && return
shopt -s checkwinsize
PS1='[\u@\h \w]\$ '
case "$TERM" in xterm*|screen*|tmux*) PS1="\[\e]0;\u@\h: \w\a\]$PS1" ;; esac
"""


@dataclass(frozen=True)
class Host:
    """One node as the others know it."""

    name: str
    hostname: str
    address: str
    port: int
    host_key: str


def shared_files(
    username: str, home: str, hosts: Sequence[Host], shell: str, cluster_key: str
) -> dict[str, str]:
    """Everything but the host name, by path below /etc."""
    names = "".join(f"{host.address}\t{host.hostname} {host.name}\n" for host in hosts)
    return {
        "passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\n{username}:x:{UID}:{UID}::{home}:{shell}\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        # A terminal's group must be one that exists in the node: programs look it up.
        "group": f"root:x:0:\n{username}:x:{UID}:\ntty:x:{UID}:\nnogroup:x:65534:\n",
        "hosts": f"127.0.0.1\tlocalhost\n::1\tlocalhost\n{names}",
        "resolv.conf": "",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
        "profile": PROFILE,
        "bash.bashrc": BASHRC,
        "shells": "/bin/sh\n/bin/bash\n",
        "os-release": 'NAME="Headnode simulated node"\nID=headnode\nPRETTY_NAME="Headnode simulated node"\n',
        **peer_files(hosts, cluster_key),
    }


def peer_files(hosts: Sequence[Host], cluster_key: str) -> dict[str, str]:
    """What lets every node ssh to every other without a question: names, ports, host keys, the cluster's own key."""
    blocks = "".join(
        f"Host {host.name} {host.hostname} {host.address}\n  Port {host.port}\n  HostKeyAlias {host.hostname}\n"
        f"  IdentityFile /etc/ssh/cluster_key\n  StrictHostKeyChecking yes\n"
        for host in hosts
    )
    known = "".join(f"{host.hostname},{host.name},{host.address} {host.host_key}\n" for host in hosts)
    return {"ssh/ssh_config": blocks, "ssh/ssh_known_hosts": known, "ssh/cluster_key": cluster_key}


def machinefile(cores: Mapping[str, int]) -> str:
    """One line per core with the host name: the form every MPI reads."""
    return "".join(f"{hostname}\n" * count for hostname, count in cores.items())
