"""The text that `wall` writes to every terminal of a node."""

from datetime import UTC, datetime

LONGEST_MESSAGE = 1000


def wall_text(hostname: str, *messages: str) -> str:
    """Return the text for these messages, without anything that could control a terminal."""
    now = datetime.now(UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")
    text = f"\r\nBroadcast message from root@{hostname} ({now}):\r\n\r\n"
    for message in messages:
        printable = "".join(character if character.isprintable() else " " for character in message)
        line = printable[:LONGEST_MESSAGE].strip()
        text += f"{line}\r\n" if line else ""
    return text
