"""The files that a node finds in /etc, as text by path. Pure; made once per cluster."""

from collections.abc import Mapping, Sequence

from jobs.node_contract.context_files import Host, hosts_text, known_hosts_text

UID = 1000
CLUSTER_KEY = "ssh/cluster_key"

# The machine's own files that programs need and that reveal nothing about it.
SHARED_WITH_NODES = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "services", "protocols", "inputrc",
    "ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust/extracted", "terminfo",
    "mime.types", "python3", "perl", "vim", "nanorc", "bash_completion.d", "fonts", "X11/rgb.txt", "slurm",
)  # fmt: skip
# The files and folders that `etc_files` makes and that every node sees; each also has a hostname of its own.
MADE_FOR_NODES = (
    "passwd", "group", "hosts", "resolv.conf", "nsswitch.conf", "profile", "bash.bashrc", "shells", "os-release",
    "ssh",
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


def etc_files(
    username: str,
    home: str,
    hosts: Sequence[Host],
    shell: str,
    cluster_key: str,
    uid: int = UID,
    tty: int = UID,
) -> dict[str, str]:
    """Return everything that the nodes of a cluster share, and a `hostname.NAME` for each node.

    `uid` is the number of the user and of its group, `tty` that of a terminal's group.
    """
    return {
        "passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\n{username}:x:{uid}:{uid}::{home}:{shell}\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        # A terminal's group must be one that exists in the node: programs look it up.
        "group": f"root:x:0:\n{username}:x:{uid}:\ntty:x:{tty}:\nnogroup:x:65534:\n",
        "hosts": f"127.0.0.1\tlocalhost\n::1\tlocalhost\n{hosts_text(hosts)}",
        "resolv.conf": "",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
        "profile": PROFILE,
        "bash.bashrc": BASHRC,
        "shells": "/bin/sh\n/bin/bash\n",
        "os-release": 'NAME="Headnode simulated node"\nID=headnode\nPRETTY_NAME="Headnode simulated node"\n',
        **peer_login_files(hosts, cluster_key),
        **{f"hostname.{host.hostname}": f"{host.hostname}\n" for host in hosts},
    }


def peer_login_files(hosts: Sequence[Host], cluster_key: str) -> dict[str, str]:
    """Return what lets every node ssh to every other without a question: ports, host keys, the cluster's own key."""
    blocks = "".join(
        f"Host {host.name} {host.hostname} {host.address}\n  Port {host.port}\n  HostKeyAlias {host.hostname}\n"
        f"  IdentityFile /etc/{CLUSTER_KEY}\n  StrictHostKeyChecking yes\n"
        for host in hosts
    )
    return {
        "ssh/ssh_config": blocks,
        "ssh/ssh_known_hosts": known_hosts_text(hosts),
        CLUSTER_KEY: cluster_key,
    }


def machinefile(cores: Mapping[str, int]) -> str:
    """Return one line per core with the host name, the form that every MPI reads."""
    return "".join(f"{hostname}\n" * count for hostname, count in cores.items())
