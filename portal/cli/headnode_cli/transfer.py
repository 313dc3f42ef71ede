"""Copy to and from a node: with rsync where there is one, else with sftp; again and again until it is whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from functools import partial
from typing import Callable, TypeVar

from . import runtime, sftp_plan, ssh_session, verify
from .copy_places import Place
from .errors import CLIError
from .ssh_session import SSH_FAILED, TARGET, Session

# rsync's statuses of a broken line (rsync(1)): protocol, socket, time-outs; ssh's own is 255.
BROKEN = (10, 12, 30, 35, SSH_FAILED)
LOST = ("Connection closed", "Connection reset", "connection lost", "Broken pipe")
MOST_SECONDS, PAUSE_SECONDS = 900.0, 1.0
PARTIAL = ".headnode-partial"
Tell = Callable[[str], None]
Answer = TypeVar("Answer")


class CopyStopped(CLIError):
    """Raised when a program that copies gave up: the person may not be let in."""


def copy(session: Session, sources: list[Place], target: Place, *, recursive: bool, tell: Tell) -> None:
    """Copy until everything has arrived and was checked. Raises CLIError with what stopped it."""
    # On Windows rsync takes the drive of a path for a computer.
    if shutil.which("rsync") and sys.platform != "win32":
        _repeat(rsync_command(session, sources, target, recursive=recursive), "", tell)
        return
    for source in sources:
        # What is there in part is gone on with. If it was of something else, the check finds that out.
        for resume in (True, False):
            _by_sftp(session, source, target, recursive=recursive, resume=resume, tell=tell)
            if _steadily(partial(verify.same, session, source, target)):
                break
        else:
            raise CLIError(f"{source.path!r} arrived damaged. Remove what is there, and try again.")


def _by_sftp(
    session: Session, source: Place, target: Place, *, recursive: bool, resume: bool, tell: Tell
) -> None:
    if target.job:
        is_folder = _steadily(lambda: verify.is_folder(session, target.path))
        files = sftp_plan.pairs(source.path, target.path, is_folder=is_folder)
        names = "".join(f"{remote}\0" for _, remote in files)
        _steadily(lambda: verify.on_node(session, sftp_plan.MAKE_FILES, given=names))
        batch = sftp_plan.put_batch(files, resume=resume)
    else:
        batch = sftp_plan.get_batch(source.path, target.path, recursive=recursive, resume=resume)
    _repeat(session.command("sftp", "-q", "-b", "-", TARGET), batch, tell)


def _repeat(command: list[str], given: str, tell: Tell) -> None:
    """Run a program again as long as the line breaks under it."""
    since, told = time.monotonic(), False
    while True:
        # sftp calls it an error that a file is whole already: its words matter only if it stops.
        child = subprocess.run(
            command,
            input=given or None,
            stderr=subprocess.PIPE if given else None,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if child.returncode == 0:
            return
        if not _is_broken(child.returncode, child.stderr or "") or time.monotonic() - since > MOST_SECONDS:
            raise CopyStopped(
                f"The copy stopped (status {child.returncode}). Run it again: it goes on from there."
            )
        if not told:
            told = True
            tell("The connection broke; going on from where it was.")
        time.sleep(PAUSE_SECONDS)


def _is_broken(status: int, said: str) -> bool:
    """Whether a program ended because the line did. sftp may die of writing into the line that is gone (SIGPIPE)."""
    return status in BROKEN or status == -13 or any(words in said for words in LOST)


def _steadily(ask: Callable[[], Answer]) -> Answer:
    """Ask the node, again where the line breaks."""
    for number in range(20):
        try:
            return ask()
        except ConnectionError:
            time.sleep(PAUSE_SECONDS * min(number + 1, 5))
    raise CopyStopped("The connection broke again and again. Run it again: it goes on from there.")


def rsync_command(session: Session, sources: list[Place], target: Place, *, recursive: bool) -> list[str]:
    """Return rsync's command line."""
    shell = " ".join(_word(part) for part in session.command("ssh"))
    shown = sys.stderr.isatty() and not (runtime.choices.quiet or runtime.choices.as_json)
    return [
        ssh_session.found_program("rsync"),
        # -s: a path means what it says, whatever a shell would make of it.
        *("-s", "-t", "-p", "-l", "--partial", f"--partial-dir={PARTIAL}", "--timeout=60"),
        *(["-r"] if recursive else []),
        *(["--info=progress2"] if shown else []),
        *("-e", shell, "--"),
        *[_rsync_place(place) for place in sources],
        _rsync_place(target),
    ]


def _word(text: str) -> str:
    """Return a word for rsync's -e, which splits at blanks and knows quotation marks but no backslashes."""
    return f'"{text}"' if " " in text or "'" in text else text


def _rsync_place(place: Place) -> str:
    if place.job:
        path = place.path[2:] if place.path.startswith("~/") else place.path
        return f"{TARGET}:{path or '.'}"
    # A colon in a name of this computer's would make it a remote one.
    return place.path if place.path.startswith(("/", "./", "../")) else f"./{place.path}"
