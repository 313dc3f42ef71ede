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


class UploadRefusal(StrEnum):
    """Why a request of a tus upload is refused. Returned as `reason`, too: never change one."""

    VERSION_UNKNOWN = "tus_version_unknown"
    EXTENSION_UNKNOWN = "tus_extension_unknown"
    LENGTH_MISSING = "upload_length_missing"
    LENGTH_INVALID = "upload_length_invalid"
    TOO_LARGE = "too_large"
    METADATA_INVALID = "upload_metadata_invalid"
    CONTENT_TYPE = "upload_content_type"
    OFFSET_INVALID = "upload_offset_invalid"
    OFFSET_WRONG = "upload_offset_wrong"
    TOO_LONG = "upload_too_long"
    CHECKSUM_INVALID = "upload_checksum_invalid"
    CHECKSUM_MISMATCH = "upload_checksum_mismatch"
    LOCKED = "upload_locked"
    EXPIRED = "upload_expired"
    STALLED = "upload_stalled"
    STORAGE_FULL = "storage_full"
