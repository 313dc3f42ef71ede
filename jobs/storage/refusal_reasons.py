"""Why a file is refused: stable words for programs. The messages are written where they are raised. Pure."""

from enum import StrEnum


class FileRefusal(StrEnum):
    """Why a file is refused. The REST API returns the value as `reason`: never change one."""

    MISSING = "file_missing"
    TYPE_INVALID = "file_type_invalid"
    UNKNOWN = "file_unknown"
    IN_USE = "file_in_use"
    NAME_TWICE = "file_name_twice"
    NAME_INVALID = "file_name_invalid"
    QUOTA_EXCEEDED = "upload_quota_exceeded"
