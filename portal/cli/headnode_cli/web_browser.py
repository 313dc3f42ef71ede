"""Open a page in the person's browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from urllib.parse import urlsplit


def is_page(address: str) -> bool:
    """Whether an address is a web page's. The portal names some: none may become a file, a program or an option."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_one_word = address.isprintable() and " " not in address
    return is_one_word and parts.scheme in ("http", "https") and bool(parts.hostname)


def open_page(address: str) -> bool:
    """Open a page. Return whether a browser was found.

    None is looked for where there can be none, as over ssh: a browser of text would take this terminal.
    """
    if not is_page(address) or not _has_screen():
        return False
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


def _has_screen() -> bool:
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    )
