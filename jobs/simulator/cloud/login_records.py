"""Record who logged in to a cluster's nodes: the newest records, numbered, kept over restarts."""

import json
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT = 2000
PAGE = 500


class LoginRecords:
    """An append-only file of lines. Only the newest KEPT records are kept.

    A line is not forced to disk: a killed simulator loses none, a power cut may lose the last ones.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: deque[dict[str, Any]] = deque(_read_records(path), maxlen=KEPT)
        self._lines = len(self._records)
        self._last = int(self._records[-1]["sequence"]) if self._records else 0
        if path.exists() and not path.read_bytes().endswith(b"\n"):
            self._rewrite()  # a torn line: the next one must not be appended to it

    def add(
        self,
        node: str,
        username: str,
        source_address: str,
        *,
        fingerprint: str = "",
        certificate: str = "",
        authority: str = "",
    ) -> None:
        """Record a login that has just been proven by a key, or by a certificate with this key id.

        `authority`: the fingerprint of the certificate's authority, if it is not one of the access document.
        """
        self._last += 1
        record = {
            "sequence": self._last,
            "at": datetime.now(UTC).isoformat(),
            "node": node,
            "username": username,
            "source_address": source_address,
            **({"fingerprint": fingerprint} if fingerprint else {"certificate": certificate}),
            **({"authority": authority} if authority else {}),
        }
        self._records.append(record)
        self._lines += 1
        if self._lines > 2 * KEPT:
            self._rewrite()
        else:
            with open(self._path, "a") as file:
                file.write(json.dumps(record) + "\n")

    def after(self, sequence: int) -> list[dict[str, Any]]:
        """Return records with a greater sequence, oldest first, at most a page."""
        return [record for record in self._records if record["sequence"] > sequence][:PAGE]

    def _rewrite(self) -> None:
        new = self._path.with_name(self._path.name + ".new")
        new.write_text("".join(json.dumps(record) + "\n" for record in self._records))
        new.replace(self._path)
        self._lines = len(self._records)


def _read_records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file; a line that a kill cut short is left out."""
    found = []
    for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
            found.append({**record, "sequence": int(record["sequence"])})
        except (ValueError, TypeError, KeyError):
            continue
    return found
