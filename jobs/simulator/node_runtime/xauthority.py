"""Read and write the .Xauthority file of a home, in libXau's format. Runs inside a node: standard library only."""

from __future__ import annotations

import os
import struct

FAMILY_LOCAL = 256


def with_cookie(text: bytes, display: str, protocol: str, cookie: str) -> bytes:
    """Return the file's contents with a cookie for a display of this node.

    Older entries for that display are dropped, because a client takes the first that fits. Entries of other nodes stay:
    all nodes share the home.
    """
    host = os.uname().nodename.encode()
    key = struct.pack(">H", FAMILY_LOCAL) + packed(host, display.encode())
    kept = [entry for entry in xauthority_entries(text) if not entry.startswith(key)]
    return key + packed(protocol.encode(), bytes.fromhex(cookie)) + b"".join(kept)


def packed(*parts: bytes) -> bytes:
    """Return the parts as .Xauthority stores them, each after its length."""
    return b"".join(struct.pack(">H", len(part)) + part for part in parts)


def xauthority_entries(text: bytes) -> list[bytes]:
    """Return the complete entries of the file: family, address, display, protocol, cookie."""
    found: list[bytes] = []
    start = 0
    while True:
        end = start + 2
        for _ in range(4):
            if end + 2 > len(text):
                return found
            end += 2 + struct.unpack_from(">H", text, end)[0]
        if end > len(text):
            return found
        found.append(text[start:end])
        start = end
