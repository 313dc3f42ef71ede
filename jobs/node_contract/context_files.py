"""The files that programs on a node find below $HEADNODE_CONTEXT (docs/context.md), as text by path.

member, role, provides, requires   who this node is, one word per line
members                            all members: name, role, core type, cores, roles; tabs between
hosts, known_hosts                 all members as /etc/hosts and ssh_known_hosts have them
roles/ROLE/names, hosts, known_hosts   the members that provide a role this one requires
data/NAME                          the launch's data
scripts/PHASE                      this member's scripts
ready                              there once every phase is done
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

READY_FILE = {"ready": "ok\n"}


@dataclass(frozen=True)
class Host:
    """One node as the other nodes of its cluster reach it."""

    name: str
    hostname: str
    address: str
    port: int
    host_key: str


def own_files(name: str, role: str, provides: Sequence[str], requires: Sequence[str]) -> dict[str, str]:
    """Return the files that say who this node is."""
    return {
        "member": f"{name}\n",
        "role": f"{role}\n",
        "provides": one_per_line(provides),
        "requires": one_per_line(requires),
    }


def host_files(members: Iterable[Sequence[str]], hosts: Sequence[Host]) -> dict[str, str]:
    """Return the files that list every member."""
    return {
        "members": one_per_line("\t".join(member) for member in members),
        "hosts": hosts_text(hosts),
        "known_hosts": known_hosts_text(hosts),
    }


def role_files(roles: Mapping[str, Iterable[str]], hosts: Mapping[str, Host]) -> dict[str, str]:
    """Return the files about the members that provide each role. `roles` has the members' names."""
    files = {}
    for role, names in roles.items():
        found = [hosts[name] for name in names]
        files[f"roles/{role}/names"] = one_per_line(host.name for host in found)
        files[f"roles/{role}/hosts"] = hosts_text(found)
        files[f"roles/{role}/known_hosts"] = known_hosts_text(found)
    return files


def data_files(data: Mapping[str, str]) -> dict[str, str]:
    """Return the launch's data as files."""
    return {f"data/{name}": text for name, text in data.items()}


def script_path(phase: str) -> str:
    """Return the path of a phase's script."""
    return f"scripts/{phase}"


def one_per_line(words: Iterable[str]) -> str:
    """Return the words, each on a line of its own."""
    return "".join(f"{word}\n" for word in words)


def hosts_text(hosts: Sequence[Host]) -> str:
    """Return the hosts as /etc/hosts has them."""
    return "".join(f"{host.address}\t{host.hostname} {host.name}\n" for host in hosts)


def known_hosts_text(hosts: Sequence[Host]) -> str:
    """Return the hosts' keys as ssh_known_hosts has them."""
    return "".join(f"{host.hostname},{host.name},{host.address} {host.host_key}\n" for host in hosts)
