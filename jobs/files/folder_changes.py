"""Change the files in a run's folder while it is on its node; each change is told in the audit trail."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from accounts.audit.trail import record
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.files.job_folder import Place, Request, check_access, checked, live_folder
from jobs.remote import folder_refusals
from jobs.remote.folder_paths import path_text
from jobs.remote.run_folder import Entry


def write_file(
    asked: Request, path: bytes, chunks: Iterable[bytes], *, if_match: str = "", if_none_match: str = ""
) -> Entry:
    """Create or replace a file as a whole. Raises Refused.

    With `if_match` (a tag) only that version is replaced, with `if_none_match` of `*` nothing is: `file_changed`.
    """
    with live_folder(asked, is_long=True) as folder:
        allowed = checked(iter(chunks), partial(check_access, asked, Place.NODE))
        entry = folder.write(path, allowed, _precondition(if_match, if_none_match))
    _tell(asked, JobsAuditAction.RUN_FILE_WRITTEN, path, size=entry.size)
    return entry


def make_folder(asked: Request, path: bytes) -> Entry:
    """Create a folder. Raises Refused."""
    with live_folder(asked) as folder:
        entry = folder.make_folder(path)
    _tell(asked, JobsAuditAction.RUN_FOLDER_MADE, path)
    return entry


def rename(asked: Request, path: bytes, new_path: bytes) -> Entry:
    """Give a file or folder another path. Raises Refused."""
    with live_folder(asked) as folder:
        entry = folder.rename(path, new_path)
    _tell(asked, JobsAuditAction.RUN_FILE_RENAMED, path, new_path=path_text(new_path))
    return entry


def remove(asked: Request, path: bytes, *, recursive: bool) -> None:
    """Delete a file, or a folder with what is in it if `recursive`. Raises Refused.

    What was begun is told even if it could not be ended.
    """
    try:
        with live_folder(asked) as folder:
            count = folder.remove(path, recursive=recursive)
    except Refused as error:
        if recursive and error.status >= 500:
            _tell(asked, JobsAuditAction.RUN_FILE_DELETED, path, failed=error.message)
        raise
    _tell(asked, JobsAuditAction.RUN_FILE_DELETED, path, entries=count)


def tell_read(asked: Request, paths: list[bytes]) -> None:
    """Record that files of a node were read."""
    _tell(asked, JobsAuditAction.RUN_FILES_READ, b"", paths=[path_text(path) for path in paths[:20]])


def _tell(asked: Request, action: JobsAuditAction, path: bytes, **facts: Any) -> None:
    after = {"node": asked.node, **({"path": path_text(path)} if path else {}), **facts}
    record(asked.actor, action, "job", asked.job.pk, owner=asked.job.owner, after=after)


def _precondition(if_match: str, if_none_match: str) -> Callable[[Entry | None], None]:
    def check(found: Entry | None) -> None:
        if if_none_match.strip() == "*" and found is not None:
            raise folder_refusals.exists()
        tags = [tag.strip() for tag in if_match.split(",")]
        if if_match and (found is None or ("*" not in tags and found.etag not in tags)):
            raise folder_refusals.changed()

    return check
