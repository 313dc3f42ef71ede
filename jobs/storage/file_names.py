"""Keep file names byte for byte, and show them. Pure.

A name on Linux is any bytes but `/` and NUL. One that is UTF-8 is kept as that text, whatever its characters are. The
bytes of another are kept percent-escaped, with a flag that says so, because neither database nor JSON can hold them.
"""

import re
from urllib.parse import quote

MAX_NAME_BYTES = 255
ESCAPED_BYTE = re.compile("%([0-9A-F]{2})")
# RFC 5987: what a value may hold unescaped.
ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"


def to_text(raw: bytes) -> tuple[str, bool]:
    """Return a path as text, and whether it is percent-escaped."""
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
        return "".join(_escaped(character) for character in text), True


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"%{ord(character) - 0xDC00:02X}"
    return "%25" if character == "%" else character


def to_bytes(text: str, is_escaped: bool) -> bytes:
    """Return the bytes of a path that `to_text` returned."""
    if not is_escaped:
        return text.encode()
    return ESCAPED_BYTE.sub(
        lambda found: (
            chr(0xDC00 + int(found[1], 16)) if int(found[1], 16) >= 0x80 else chr(int(found[1], 16))
        ),
        text,
    ).encode("utf-8", "surrogateescape")


def shown(text: str) -> str:
    """Return a name for a sentence: line breaks, controls and invisible characters are written as escapes."""
    return "".join(
        character if character.isprintable() or character == "\u3000" else _code_of(character)
        for character in text
    )


def _code_of(character: str) -> str:
    return character.encode("unicode_escape").decode()


def shown_bytes(raw: bytes) -> str:
    """Return a path on a node for a sentence."""
    return shown(to_text(raw)[0])


def why_no_name(raw: bytes) -> str:
    """Return why this cannot be the name of a file, to continue "A file's name"; empty if it can."""
    if raw in (b"", b".", b"..") or b"/" in raw or b"\0" in raw:
        return "may not be empty, '.' or '..', and may have no '/' and no NUL"
    if len(raw) > MAX_NAME_BYTES:
        return f"may have at most {MAX_NAME_BYTES} bytes; this one has {len(raw)}"
    return ""


def attachment_header(name: str) -> str:
    """Return a Content-Disposition header for a download under exactly this name (RFC 6266, RFC 5987).

    What an ASCII token cannot say is said in `filename*`; `filename` is for programs that do not read that.
    """
    plain = "".join(character if " " <= character <= "~" else "_" for character in name)
    quoted = plain.replace("\\", "_").replace('"', "_")
    header = f'attachment; filename="{quoted}"'
    if quoted == name and name == name.strip() and "%" not in name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name, safe=ATTRIBUTE_CHARACTERS)}"
