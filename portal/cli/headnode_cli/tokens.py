"""Keep the tokens of portals: in the system's keyring where there is one, else in a file only its owner may read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .errors import CLIError
from .paths import config_folder
from .private_file import write_private

SERVICE = "headnode"
FILE, KEYRING = "file", "keyring"


def save(url: str, token: str) -> str:
    """Keep the token of a portal. Return where it is: `keyring` or `file`."""
    ring = _keyring()
    if ring is not None:
        try:
            ring.set_password(SERVICE, url, token)
        except Exception:  # a locked or broken keyring raises what its back end likes
            ring = None
    if ring is not None:
        _change_file(url, None)
        return KEYRING
    _change_file(url, token)
    return FILE


def load(url: str, store: str) -> str:
    """Return the token of a portal; empty if there is none."""
    if store == KEYRING:
        ring = _keyring()
        if ring is None:
            raise CLIError(
                "The token is in a keyring that cannot be opened here. Set HEADNODE_TOKEN instead."
            )
        try:
            return str(ring.get_password(SERVICE, url) or "")
        except Exception as error:
            raise CLIError(f"The keyring did not give the token: {error}.") from None
    return str(_read_file().get(url, ""))


def forget(url: str, store: str) -> None:
    """Remove the token of a portal from this computer."""
    ring = _keyring() if store == KEYRING else None
    if ring is not None:
        try:
            ring.delete_password(SERVICE, url)
        except Exception as error:
            raise CLIError(f"The keyring did not remove the token: {error}.") from None
    _change_file(url, None)


def token_file() -> Path:
    """Return the file for systems without a keyring."""
    return config_folder() / "tokens.json"


def _keyring() -> Any:
    """Return the keyring module if a real back end stands behind it; None otherwise."""
    if os.environ.get("HEADNODE_TOKEN_STORE") == FILE:
        return None
    try:
        import keyring
        from keyring.backends import fail

        backend = keyring.get_keyring()
    except Exception:  # not installed, or a back end that breaks as it likes
        return None
    usable = getattr(backend, "priority", 0) >= 1 and not isinstance(backend, fail.Keyring)
    return keyring if usable else None


def _read_file() -> dict[str, Any]:
    path = token_file()
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CLIError(f"{path} cannot be read: {error}. Remove it and sign in again.") from None
    return found if isinstance(found, dict) else {}


def _change_file(url: str, token: str | None) -> None:
    try:
        before = _read_file()
    except CLIError:
        if token is None:
            return
        before = {}  # unreadable: what it held is lost already
    after = {name: value for name, value in before.items() if name != url}
    if token is not None:
        after[url] = token
    if after != before:
        write_private(token_file(), json.dumps(after, indent=2) + "\n")
