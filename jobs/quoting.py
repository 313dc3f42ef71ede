"""Command lines for people's shells, quoted. Pure: no I/O, no Django."""

import shlex
from collections.abc import Sequence


def command(*words: str) -> str:
    """The words as one POSIX shell line that runs exactly them."""
    return shlex.join(words)


def ssh(username: str, address: str, port: int) -> str:
    """A complete `ssh` line; the port is named when it is not 22 (ssh(1), -p)."""
    port_words: Sequence[str] = () if port == 22 else ("-p", str(port))
    return command("ssh", *port_words, f"{username}@{address}")


def connection_message(username: str, address: str, port: int, work_directory: str) -> str:
    """The Job Log's connection message.

    One line, exactly as existing tools parse it (`Command: ssh -i </path/to/key> (\\S+);`): a port that is not 22
    stands after the first semicolon.
    """
    middle = "" if port == 22 else f" port: {port};"
    return (
        f"Instance ready for ssh access. Command: ssh -i </path/to/key> {username}@{address};{middle} "
        f"working directory: {work_directory}"
    )


def known_hosts_name(name: str, port: int) -> str:
    """A host as known_hosts names it: `name`, or `[name]:port` when the port is not 22 (sshd(8))."""
    return name if port == 22 else f"[{name}]:{port}"
