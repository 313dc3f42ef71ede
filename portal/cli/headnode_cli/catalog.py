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
    "Jobs": [
        Entry("submit", "submit", {"": "submit"}, "Submit a command, a script or a cluster definition"),
        Entry("run", "submit", {"": "run"}, "Submit, follow the log, end with the job's status"),
        Entry("list", "jobs", {"": "list_jobs"}, "List your jobs"),
        Entry("show", "jobs", {"": "show"}, "Show a job and its nodes"),
        Entry("logs", "logs", {"": "logs"}, "Print a job's log; -f follows it"),
        Entry("files", "jobs", {"": "files"}, "List what a job left in storage"),
        Entry("extend", "jobs", {"": "extend"}, "Give a cluster more time"),
        Entry("terminate", "jobs", {"": "terminate"}, "Terminate a job's cluster"),
        Entry("clone", "jobs", {"": "clone"}, "Make a new job of an earlier one"),
        Entry("cost", "cost", {"": "cost"}, "Show what jobs cost"),
        Entry("open", "jobs", {"": "open_page"}, "Open a job's page in the browser"),
    ],
    "Clusters": [
        Entry("ssh", "ssh", {"": "ssh"}, "Log in to a node, or run a command there"),
        Entry("cp", "cp", {"": "cp"}, "Copy files: headnode cp mesh.dat JOB:work/shared/"),
        Entry("tunnel", "ssh", {"": "tunnel"}, "Make a node's port reachable here"),
        Entry("config-ssh", "config_ssh", {"": "config_ssh"}, "Entries for ssh, git and VS Code"),
        Entry("known-hosts", "ssh", {"": "known_hosts"}, "Print host keys, for KnownHostsCommand"),
    ],
    "Settings": [
        Entry(
            "keys",
            "keys",
            {"list": "list_keys", "add": "add_key", "remove": "remove_key"},
            "Your SSH public keys: list, add, remove",
        ),
        Entry("doctor", "doctor", {"": "doctor"}, "Find what is wrong, and how to mend it"),
        Entry("completion", "doctor", {"": "completion"}, "Complete commands and jobs in your shell"),
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
