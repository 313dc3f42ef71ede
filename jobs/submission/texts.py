"""What texts of a draft may hold. Pure."""

import re

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")


def control_characters(text: str) -> bool:
    """Whether a text has characters that no shell or page can take; line breaks and tabs are fine."""
    return any((ord(c) < 32 and c not in "\t\n\r") or 0xD800 <= ord(c) <= 0xDFFF for c in text)


def is_env_name(name: str) -> bool:
    """Whether this is a valid name of an environment variable."""
    return _ENV_NAME.match(name) is not None
