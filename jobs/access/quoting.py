"""Quote command lines for users' shells, ssh_config and known_hosts. Pure: no I/O, no Django."""

import re
import shlex
from collections.abc import Sequence

# Needs no quotes in bash, zsh, fish, cmd or PowerShell.
_UNQUOTED = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./:=@+-]*")
# PowerShell splits such an option in two.
_SPLIT_OPTION = re.compile(r"-.*[.:]")
# Special inside double quotes in at least one of them; PowerShell treats typographic quotes as quotes.
_SPECIAL = re.compile(r"[\"$`\\%!\u201c-\u201e\x00-\x1f\x7f]")


class Unquotable(ValueError):
    """This word cannot be quoted in a way that every shell reads alike."""


def posix_command(*words: str) -> str:
    """Return a POSIX shell command line of exactly these words."""
    return shlex.join(words)


def portable_command(*words: str) -> str:
    """Return a command line that means the same in bash, zsh, fish, cmd and PowerShell.

    Raises Unquotable for a word that cannot be quoted for all of them.
    """
    return " ".join(_portable_word(word) for word in words)


def _portable_word(word: str) -> str:
    if _UNQUOTED.fullmatch(word) and not _SPLIT_OPTION.match(word):
        return word
    if not word or _SPECIAL.search(word):
        raise Unquotable(f"{word!r} cannot be written the same way for every shell.")
    return f'"{word}"'


def bracketed(address: str) -> str:
    """Return the address for use before a colon: IPv6 literals in brackets."""
    return f"[{address}]" if ":" in address else address


def config_value(value: str) -> str:
    """Quote a value for ssh_config(5). Raises Unquotable for a value that cannot be written there."""
    if not value or re.search(r"[\"\x00-\x1f\x7f%]", value):
        raise Unquotable(f"{value!r} cannot be written in an ssh configuration.")
    return f'"{value}"' if re.search(r"[\s#\\=]", value) else value


def ssh_command(username: str, address: str, port: int) -> str:
    """Return a complete `ssh` command line, with `-p` when the port is not 22."""
    port_option: Sequence[str] = () if port == 22 else ("-p", str(port))
    return posix_command("ssh", *port_option, f"{username}@{address}")


def connection_message(username: str, address: str, port: int, work_directory: str) -> str:
    """Return the Job Log's connection message, one line.

    Existing tools parse it (`Command: ssh -i </path/to/key> (\\S+);`), so a port that is not 22 comes after the
    first semicolon.
    """
    middle = "" if port == 22 else f" port: {port};"
    return (
        f"Instance ready for ssh access. Command: ssh -i </path/to/key> {username}@{address};{middle} "
        f"working directory: {work_directory}"
    )


def known_hosts_name(name: str, port: int) -> str:
    """Return the host as known_hosts names it: `name`, or `[name]:port` when the port is not 22 (sshd(8))."""
    return name if port == 22 else f"[{name}]:{port}"
