"""Every command: its name, the module that has it, and what it does in a few words. Pure, and quick to import."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A command. `functions` maps the names of its subcommands to functions; `{"": ...}` for a plain command."""

    name: str
    module: str
    functions: dict[str, str]
    summary: str


GROUPS: dict[str, list[Entry]] = {
    "Sign in": [
        Entry("login", "account", {"": "login"}, "Sign in to a portal"),
        Entry("logout", "account", {"": "logout"}, "Sign out: end this computer's token"),
        Entry("whoami", "account", {"": "whoami"}, "Show who is signed in, and where"),
    ],
}


def entries() -> list[Entry]:
    """Return every command in the order of the help."""
    return [entry for group in GROUPS.values() for entry in group]


def find(name: str) -> Entry | None:
    """Return the command of this name; None if there is none."""
    return next((entry for entry in entries() if entry.name == name), None)


def overview() -> str:
    """Return what `headnode --help` prints."""
    width = max(len(entry.name) for entry in entries()) + 2
    lines = ["Usage: headnode COMMAND [OPTIONS]", ""]
    for title, group in GROUPS.items():
        lines.append(f"{title}:")
        lines += [f"  {entry.name:<{width}}{entry.summary}" for entry in group]
        lines.append("")
    lines += [
        "JOB is a job's id, its cluster's handle (cluster-001) or @last.",
        "Every command has --help, --json, --quiet, and --profile NAME for another portal.",
        "",
    ]
    return "\n".join(lines)
