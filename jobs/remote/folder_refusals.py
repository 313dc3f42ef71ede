"""Why something in a run's folder cannot be read or changed: a word for programs, a sentence for people. Pure."""

from enum import StrEnum

from accounts.refusals import Refused


class FolderRefusal(StrEnum):
    """The reasons. The REST API returns the value as `reason`: never change one."""

    PATH_INVALID = "path_invalid"
    NOT_FOUND = "path_not_found"
    OUTSIDE = "path_outside"
    REPLACED = "file_replaced"
    NOT_A_FOLDER = "not_a_folder"
    NOT_A_FILE = "not_a_file"
    EXISTS = "path_exists"
    NOT_EMPTY = "folder_not_empty"
    CHANGED = "file_changed"
    DENIED = "node_denied"
    FAILED = "node_failed"
    TOO_SLOW = "node_too_slow"
    TOO_MUCH = "too_many_files"
    BUSY = "node_busy"
    UNREACHABLE = "node_unreachable"
    NOT_LIVE = "folder_not_live"


def not_found() -> Refused:
    """Nothing has this path."""
    return Refused(FolderRefusal.NOT_FOUND, "There is no file or folder at this path.", "path", 404)


def outside() -> Refused:
    """A link leads out of the run's folder."""
    return Refused(
        FolderRefusal.OUTSIDE, "This path leads out of the run's folder through a link.", "path", 403
    )


def replaced() -> Refused:
    """Something else came to this path between looking and opening."""
    return Refused(
        FolderRefusal.REPLACED, "The file was replaced while it was opened. Try again.", "path", 409
    )


def not_a_folder() -> Refused:
    """A folder was needed."""
    return Refused(FolderRefusal.NOT_A_FOLDER, "There is a file at this path, not a folder.", "path", 409)


def not_a_file(is_folder: bool) -> Refused:
    """A regular file was needed."""
    what = (
        "There is a folder at this path; download it as a zip."
        if is_folder
        else "There is a device, pipe or socket at this path; only regular files can be read."
    )
    return Refused(FolderRefusal.NOT_A_FILE, what, "path", 409)


def exists(field: str = "path") -> Refused:
    """The new name is taken."""
    return Refused(FolderRefusal.EXISTS, "There is already a file or folder of that name.", field, 409)


def not_empty() -> Refused:
    """A folder with something in it is deleted only if that was asked for."""
    return Refused(
        FolderRefusal.NOT_EMPTY,
        "The folder is not empty. Send recursive=true to delete what is in it, too.",
        "path",
        409,
    )


def changed() -> Refused:
    """The file is not the one that the caller saw."""
    return Refused(
        FolderRefusal.CHANGED,
        "The file was changed meanwhile. Load it again before you save.",
        "path",
        412,
    )


def denied() -> Refused:
    """The job's user may not do this."""
    return Refused(
        FolderRefusal.DENIED, "The job's user is not permitted to do this on the node.", "path", 403
    )


def failed() -> Refused:
    """The node's file server gave no reason."""
    return Refused(
        FolderRefusal.FAILED,
        "The node could not do this. Its disk may be full, or something at this path has changed.",
        "path",
        409,
    )


def too_slow() -> Refused:
    """The node did not answer in time."""
    return Refused(
        FolderRefusal.TOO_SLOW, "The node did not answer in time. Try again in a moment.", status=503
    )


def too_much(limit: str) -> Refused:
    """More than one request may touch."""
    return Refused(
        FolderRefusal.TOO_MUCH, f"This is more than {limit}. Choose fewer files or folders.", "path", 413
    )


def busy() -> Refused:
    """All channels of this person to this node are in use."""
    return Refused(
        FolderRefusal.BUSY, "You have several transfers with this node already. Try again soon.", status=429
    )


def unreachable(why: str) -> Refused:
    """No connection to the node."""
    return Refused(FolderRefusal.UNREACHABLE, why, status=503)


def not_live() -> Refused:
    """The run's folder is not on a node now."""
    return Refused(
        FolderRefusal.NOT_LIVE,
        "Files can be changed only while the run's folder is on its node.",
        status=409,
    )
