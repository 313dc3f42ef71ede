"""`config-ssh`: entries for running clusters in ssh's configuration, for ssh, git, VS Code and every other program."""

import difflib
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from .. import nodes, profiles, runtime, ssh_include, ssh_text
from ..client import Portal
from ..errors import CLIError
from ..output import note, say, show_json
from ..paths import config_file, ssh_folder
from ..plain_text import printable
from ..private_file import write_private
from ..ssh_session import found_program

FOLDER = "headnode"
CHECK_SECONDS = 20


def config_ssh(
    dry_run: bool = typer.Option(False, "--dry-run", "-n", help="Only show what would change."),
    remove: bool = typer.Option(False, "--remove", help="Take everything of ours out again."),
) -> None:
    """Write ssh entries for your running clusters: ssh headnode-cluster-001 then works everywhere.

    Your own configuration gets one Include line at its top; no other line of it is touched. Run it again after clusters
    came or went: entries of clusters that are gone are taken out.
    """
    access = runtime.chosen_access(needs_token=not remove)
    main = ssh_folder() / "config"
    before = {main: _text(main)}
    stem = _stem(access.url)
    entries, keys = ssh_folder() / FOLDER / f"{stem}.conf", ssh_folder() / FOLDER / f"{stem}.known_hosts"
    before |= {path: _text(path) for path in (entries, keys)}
    if remove:
        others = [path for path in (ssh_folder() / FOLDER).glob("*.conf") if path != entries]
        after = {
            main: before[main] if others else ssh_include.without_include(before[main]),
            entries: "",
            keys: "",
        }
    else:
        text, lines = _entries(Portal(access.url, access.token, access.ca_file), access.url, keys)
        after = {main: ssh_include.with_include(before[main]), entries: text, keys: lines}
    changed = {path: text for path, text in after.items() if text != before[path]}
    if main in changed:
        _check_may_change(main, before[main], remove=remove)
    difference = "".join(_difference(path, before[path], text) for path, text in changed.items())
    if runtime.choices.as_json:
        show_json({"changed": [str(path) for path in changed], "written": not dry_run, "diff": difference})
    elif not runtime.choices.quiet or dry_run:
        print(printable(difference), end="")
    if not changed:
        say("Nothing to change.")
        return
    if dry_run:
        note("Nothing was written (--dry-run).")
        return
    # The entries first: an Include line never leads to half of them.
    for path in (keys, entries, main):
        if path in changed:
            _save(path, changed[path])
    say(f"Wrote {entries}." if not remove else "Removed.")


def _entries(portal: Portal, url: str, keys: Path) -> tuple[str, str]:
    """Return the entries of the clusters that run, and the host keys they name."""
    identity = profiles.read(config_file()).identity_file
    lines = portal.text("host-authority/").splitlines()
    blocks = [f"# Written by headnode config-ssh for {url}; run it again when clusters come or go.\n"]
    for cluster in portal.pages("clusters/"):
        if cluster["endedAt"]:
            continue
        found = nodes.of_job(portal, f"jobs/{cluster['jobId']}/")
        head = found.head
        name = f"headnode-{cluster['handle']}"
        for node in found.nodes:
            jump = name if head is not None and not node.is_head else ""
            own = name if node.is_head else f"{name}-{node.name}"
            blocks.append(ssh_text.host_block(own, node, str(keys), jump=jump, identity_file=identity))
        lines += found.known_hosts.splitlines()
    return "\n".join(blocks), ssh_text.known_hosts(dict.fromkeys(lines))


def _text(path: Path) -> str:
    """Return a file's text to the byte; what is no UTF-8 is kept as it is."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CLIError(f"{path} cannot be read: {error.strerror or error}.") from None


def _check_may_change(main: Path, text: str, *, remove: bool) -> None:
    """Raise CLIError if the person's configuration is not simply a file of theirs that ssh understands."""
    line = ssh_include.LINE
    advice = f"It was left alone. {'Remove' if remove else 'Add'} this line yourself, at its top: {line}"
    if main.is_symlink() or main.parent.is_symlink():
        raise CLIError(f"{main} is a symbolic link, perhaps kept elsewhere under version control. {advice}")
    if not main.exists():
        return
    if not main.stat().st_mode & 0o200 or not os.access(main, os.W_OK):
        raise CLIError(f"{main} is read-only. {advice}")
    if "\r" in text:
        raise CLIError(f"{main} has Windows line ends. {advice}")
    if not text.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in text):
        raise CLIError(f"{main} is not UTF-8. {advice}")
    command = [found_program("ssh"), "-G", "-F", str(main), "headnode-check"]
    try:
        checked = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=CHECK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CLIError(f"ssh does not come to an end with {main}. {advice}") from None
    if checked.returncode:
        said = (checked.stderr.strip().splitlines() or ["no reason given"])[0]
        raise CLIError(f"{main} has a mistake: {said}. {advice}")


def _save(path: Path, text: str) -> None:
    if not text and path.parent.name == FOLDER:
        path.unlink(missing_ok=True)
        try:
            path.parent.rmdir()
        except OSError:
            pass  # another portal's entries are there
        return
    if not text:
        path.unlink(missing_ok=True)  # there was nothing in it but our line
        return
    write_private(path, text, path.stat().st_mode & 0o777 if path.exists() else 0o600)


def _difference(path: Path, before: str, after: str) -> str:
    lines: list[Any] = list(
        difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), str(path)
        )
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _stem(url: str) -> str:
    """Return a file name for a portal: its host and port."""
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in urlsplit(url).netloc)
