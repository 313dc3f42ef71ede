"""What a program makes of a download's header."""

import re
from urllib.parse import unquote


def name_in_header(header: str) -> str:
    """Return the name as RFC 6266 says: `filename*` counts before `filename`."""
    if found := re.search(r"filename\*=UTF-8''(\S+)$", header):
        return unquote(found[1], errors="strict")
    found = re.fullmatch(r'attachment; filename="([^"\\]*)"', header)
    assert found, header
    return found[1]
