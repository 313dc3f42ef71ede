"""The settings file: the portals this computer knows, each a profile, and which is the current one."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import CLIError, WrongUsage
from .private_file import write_private

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass
class Profile:
    """A portal. `ca_file` is a certificate authority of one's own; `token_store` is `file` or `keyring`."""

    url: str
    username: str = ""
    ca_file: str = ""
    token_store: str = "file"  # noqa: S105 (where it is, not what it is)


@dataclass
class Settings:
    """The whole file. `identity_file` is the private key to log in to nodes with; empty leaves it to ssh."""

    current: str = ""
    identity_file: str = ""
    profiles: dict[str, Profile] = field(default_factory=dict)


def clean_url(text: str) -> str:
    """Return a portal's address as it is stored: with scheme, without a slash at the end. Raises WrongUsage."""
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        well = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        well = False
    if well and parts.username is not None:
        raise WrongUsage("Leave out the name and the password: a portal's address has neither.")
    if not well or not text.isprintable() or " " in text:
        raise WrongUsage(f"{text!r} is no address of a portal, such as https://headnode.example.org.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def profile_name(url: str) -> str:
    """Return the name that a profile gets by itself: its host, and its port if it has one."""
    return urlsplit(url).netloc


def read(path: Path) -> Settings:
    """Return the settings; empty ones if there is no file. Raises CLIError for a file that is no TOML."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CLIError(f"{path} cannot be read: {error}. Mend it, or remove it and sign in again.") from None
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict) or not all(_is_profile(entry) for entry in profiles.values()):
        raise CLIError(f'{path}: every [profiles.NAME] needs url = "https://...".')
    return Settings(
        current=str(document.get("current", "")),
        identity_file=str(document.get("identity_file", "")),
        profiles={name: _profile(entry) for name, entry in profiles.items()},
    )


def _is_profile(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("url"), str)


def _profile(entry: dict[str, Any]) -> Profile:
    known = {name: str(entry[name]) for name in Profile.__dataclass_fields__ if name in entry}
    return Profile(**known)


def write(path: Path, settings: Settings) -> None:
    """Save the settings."""
    lines = [f"current = {_quoted(settings.current)}"]
    if settings.identity_file:
        lines.append(f"identity_file = {_quoted(settings.identity_file)}")
    for name, profile in settings.profiles.items():
        lines += ["", f"[profiles.{_quoted(name)}]"]
        lines += [f"{key} = {_quoted(value)}" for key, value in vars(profile).items() if value]
    write_private(path, "\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    """Return a TOML basic string: what JSON writes is one, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
