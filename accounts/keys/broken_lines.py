"""Put a key back together that line ends or blanks have broken into parts, as terminals and mail programs do. Pure.

This is safe because a blob contains its own length: the parts are exactly one whole key, or they are not joined.
"""

from collections.abc import Sequence

from accounts.keys import key_base64, key_blob
from accounts.keys.key_refusals import KeyRefusalReason, KeyRefused

# How wide the first line may be when the whole key is in it and its comment in the next.
WRAP_WIDTHS = range(60, 133)
# The usual widths of terminals: only there, a line with a whole key and a comment is continued in the next line.
USUAL_WIDTHS = (80, 90, 100, 110, 120, 130, 132)


def join(lines: Sequence[str]) -> str | None:
    """Return the one line with type, key and comment; None if the parts are not exactly one key and its comment.

    The first word must be the type. Raise KeyRefused if the key is whole and still none that is accepted.
    """
    words = [(row, word) for row, line in enumerate(lines) for word in line.split()]
    key_type, parts = words[0][1], words[1:]
    encoded = ""
    for at, (row, part) in enumerate(parts, start=1):
        is_after_end = "=" in encoded and part.strip("=") != ""
        if is_after_end or not key_base64.ALPHABET.fullmatch(part):
            return None
        encoded += part
        if _is_whole(encoded, key_type):
            comment = _comment(lines, row, [word for word in parts[at:] if word[0] == row])
            return None if comment is None else f"{key_type} {encoded} {comment}".rstrip()
    return None


def _is_whole(encoded: str, key_type: str) -> bool:
    """Return whether the base64 is a whole key. Raise KeyRefused if more of it cannot make it one."""
    if len(encoded) % 4:
        return False
    try:
        key_blob.examine(key_base64.decode(encoded), key_type)
    except KeyRefused as refusal:
        if refusal.reason == KeyRefusalReason.CUT_OFF:
            return False
        raise
    return True


def _comment(lines: Sequence[str], row: int, beside: Sequence[tuple[int, str]]) -> str | None:
    """Return the comment of a key that ends in line `row`, with the words `beside` it in that line.

    None if the lines that follow are probably something else.
    """
    first = lines[row].split(None, len(lines[row].split()) - len(beside))[-1] if beside else ""
    rest = [line.strip() for line in lines[row + 1 :]]
    if not rest:
        return first
    if row == 0 and len(lines[0]) not in (USUAL_WIDTHS if beside else WRAP_WIDTHS):
        return None
    if len(rest) > 1 or beside:
        type_is_alone = len(lines[0].split()) == 1
        widths = {len(line) for line in lines[type_is_alone:-1]}
        if len(widths) != 1 or len(rest[-1]) > min(widths):
            return None
    return first + "".join(rest)
