"""Command lines for people's shells, quoted. Pure: no I/O, no Django."""

import re
import shlex
from collections.abc import Sequence

# What no shell of ours touches without quotes: bash, zsh, fish, cmd and PowerShell alike.
_PLAIN = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./:=@+-]*")
# PowerShell breaks such an option in two.
_BREAKS = re.compile(r"-.*[.:]")
# What one of them still reads inside double quotes; PowerShell takes typographic quotes for quotes.
_LIVE = re.compile(r"[\"$`\\%!\u201c-\u201e\x00-\x1f\x7f]")


class Unquotable(ValueError):
    """No quoting means the same in every shell for this word."""


def command(*words: str) -> str:
    """The words as one POSIX shell line that runs exactly them."""
    return shlex.join(words)


def everywhere(*words: str) -> str:
    """The words as one line that means the same in bash, zsh, fish, cmd and PowerShell.

    Raises Unquotable for a word that cannot be written so.
    """
    return " ".join(_everywhere(word) for word in words)


def _everywhere(word: str) -> str:
    if _PLAIN.fullmatch(word) and not _BREAKS.match(word):
        return word
    if not word or _LIVE.search(word):
        raise Unquotable(f"{word!r} cannot be written the same way for every shell.")
    return f'"{word}"'


def bracketed(address: str) -> str:
    """The address as it stands before a colon: an IPv6 literal in brackets."""
    return f"[{address}]" if ":" in address else address


def config_value(value: str) -> str:
    """A value of ssh_config(5). Raises Unquotable for what a line there cannot hold."""
    if not value or re.search(r"[\"\x00-\x1f\x7f%]", value):
        raise Unquotable(f"{value!r} cannot stand in an ssh configuration.")
    return f'"{value}"' if re.search(r"[\s#\\=]", value) else value


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
