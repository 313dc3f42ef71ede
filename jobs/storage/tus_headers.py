"""Read the headers of the tus protocol, version 1.0.0. Pure.

Whatever a client may send is either understood or refused with a sentence; nothing here reaches a path.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from accounts.refusals import Refused
from jobs.storage import file_names
from jobs.storage.refusal_reasons import FileRefusal, UploadRefusal

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
ALGORITHMS = ("sha1", "sha256", "sha512")
MAX_PATH_CHARACTERS = 1000
# tus: "a non-standard status", for a checksum that does not match.
CHECKSUM_MISMATCH_STATUS = 460
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Named:
    """What the metadata call a file, as text that the database can hold (`jobs.storage.file_names`)."""

    name: str
    relative_path: str
    is_escaped: bool
    type_id: int


@dataclass(frozen=True)
class Checksum:
    """What the body of one request must hash to."""

    algorithm: str
    digest: bytes

    def is_of(self, found: bytes) -> bool:
        """Whether a digest is the one that was announced."""
        return hmac.compare_digest(found, self.digest)


def read_length(text: str | None, deferred: str | None) -> int:
    """Return the bytes that the file has, from Upload-Length. Raises Refused."""
    if text is None:
        raise Refused(
            UploadRefusal.LENGTH_MISSING,
            "Say how many bytes the file has, in Upload-Length."
            + (" A length that is told later (Upload-Defer-Length) is not supported." if deferred else ""),
        )
    if _NUMBER.fullmatch(text.strip()) is None:
        raise Refused(UploadRefusal.LENGTH_INVALID, "Upload-Length must be a whole number of bytes.")
    return int(text)


def read_offset(text: str | None) -> int:
    """Return the place in the file at which a body begins, from Upload-Offset. Raises Refused."""
    if text is None or _NUMBER.fullmatch(text.strip()) is None:
        raise Refused(
            UploadRefusal.OFFSET_INVALID,
            "Say at which byte of the file this body begins, in Upload-Offset: a whole number.",
        )
    return int(text)


def read_checksum(text: str | None) -> Checksum | None:
    """Return the checksum of the body, from Upload-Checksum; None without one. Raises Refused."""
    if text is None:
        return None
    algorithm, _, encoded = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise Refused(
            UploadRefusal.CHECKSUM_INVALID,
            f"Upload-Checksum takes one of {', '.join(ALGORITHMS)}, a blank and the digest in base64.",
        )
    digest = _base64(encoded.strip())
    if digest is None or len(digest) != hashlib.new(algorithm).digest_size:
        raise Refused(
            UploadRefusal.CHECKSUM_INVALID,
            f"Upload-Checksum does not hold a {algorithm} digest in base64.",
        )
    return Checksum(algorithm, digest)


def read_metadata(text: str | None) -> dict[str, bytes]:
    """Return Upload-Metadata: pairs of a key and a value in base64, with commas between. Raises Refused."""
    found: dict[str, bytes] = {}
    for pair in (text or "").split(","):
        key, _, encoded = pair.strip(" ").partition(" ")
        value = _base64(encoded.strip(" "))
        if not key and not encoded and not (text or "").strip():
            continue
        if not key or not key.isascii() or value is None:
            raise Refused(
                UploadRefusal.METADATA_INVALID,
                "Upload-Metadata must be pairs of a key and a value in base64, with commas between them.",
            )
        if key in found:
            raise Refused(UploadRefusal.METADATA_INVALID, f"Upload-Metadata has {key} twice.")
        found[key] = value
    return found


def read_name(metadata: dict[str, bytes], default_type: int = 1) -> Named:
    """Return the file's name and path from the metadata (`filename`, `relativePath`, `typeId`). Raises Refused."""
    if "filename" not in metadata:
        raise Refused(
            UploadRefusal.METADATA_INVALID,
            "Name the file in Upload-Metadata: `filename` and its name in base64.",
        )
    name = metadata["filename"]
    _check_part(name, "A file's name")
    path = metadata.get("relativePath") or name
    for part in path.split(b"/"):
        _check_part(part, "Each part of relativePath")
    if path.rpartition(b"/")[2] != name:
        raise Refused(FileRefusal.NAME_INVALID, "relativePath must end in the file's name.")
    text, is_escaped = file_names.to_text(path)
    if len(text) > MAX_PATH_CHARACTERS:
        raise Refused(
            FileRefusal.NAME_INVALID, f"relativePath may have at most {MAX_PATH_CHARACTERS} characters."
        )
    return Named(text.rpartition("/")[2], text, is_escaped, _type(metadata, default_type))


def _type(metadata: dict[str, bytes], default: int) -> int:
    said = metadata.get("typeId")
    if said is None:
        return default
    if not said.isdigit() or len(said) > 3:
        raise Refused(FileRefusal.TYPE_INVALID, "typeId must be a number, such as 1 for an input.")
    return int(said)


def _check_part(raw: bytes, what: str) -> None:
    if reason := file_names.why_no_name(raw):
        raise Refused(FileRefusal.NAME_INVALID, f"{what} {reason}.")


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
