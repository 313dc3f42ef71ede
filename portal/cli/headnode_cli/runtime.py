"""What the command that runs now works with: the options all commands have, the portal, the person's settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from . import profiles, tokens
from .errors import NotSignedIn, WrongUsage
from .paths import config_file

if TYPE_CHECKING:
    from .client import Portal


@dataclass
class Choices:
    """The options of the command that runs now."""

    as_json: bool = False
    quiet: bool = False
    profile: Optional[str] = None
    url: Optional[str] = None


@dataclass(frozen=True)
class Access:
    """A portal as chosen: its address, the token for it, and where both are from."""

    url: str
    token: str
    profile: str = ""
    ca_file: str = ""
    token_store: str = tokens.FILE


choices = Choices()
_given = {"token": ""}


def take_token_from_environment() -> None:
    """Move HEADNODE_TOKEN out of the environment, so that no program that is started from here gets it."""
    _given["token"] = os.environ.pop("HEADNODE_TOKEN", "").strip()


def has_given_token() -> bool:
    """Whether the token came from HEADNODE_TOKEN, and not from `headnode login`."""
    return bool(_given["token"])


def given_token() -> str:
    """Return the token of HEADNODE_TOKEN; empty if there was none."""
    return _given["token"]


def is_token(text: str) -> bool:
    """Whether a text can be a token. What is none must not get as far as an error message of the HTTP client."""
    return text.isascii() and text.isprintable() and " " not in text and text != ""


def chosen_access(*, needs_token: bool = True) -> Access:
    """Return the portal to talk to: --url or --profile, else HEADNODE_URL, else the one signed in to last.

    Raises NotSignedIn without a portal or a token, WrongUsage for a profile that is not there.
    """
    settings = profiles.read(config_file())
    name = _profile_asked(settings)
    url = os.environ.get("HEADNODE_URL", "") if name is None and not choices.url else choices.url or ""
    if url:
        url = profiles.clean_url(url)
        name = next((key for key, profile in settings.profiles.items() if profile.url == url), "")
    name = settings.current if name is None else name
    profile = settings.profiles.get(name) or profiles.Profile(url)
    if not profile.url:
        raise NotSignedIn("You are not signed in to a portal. Run: headnode login https://your-portal")
    token = _given["token"] or tokens.load(profile.url, profile.token_store)
    if token and not is_token(token):
        raise NotSignedIn(f"What is saved or given as a token is none. Run: headnode login {profile.url}")
    if needs_token and not token:
        raise NotSignedIn(f"You are not signed in to {profile.url}. Run: headnode login {profile.url}")
    ca_file = os.environ.get("HEADNODE_CA_FILE", "") or profile.ca_file
    return Access(profile.url, token, name, ca_file, profile.token_store)


def _profile_asked(settings: profiles.Settings) -> str | None:
    if choices.profile is None:
        return None
    if choices.url:
        raise WrongUsage("Name the portal by --profile or by --url, not by both.")
    if choices.profile not in settings.profiles:
        known = ", ".join(settings.profiles) or "none"
        raise WrongUsage(f"There is no profile {choices.profile!r}. Known: {known}.")
    return choices.profile


def portal(**how: Any) -> Portal:
    """Return the client for the chosen portal, signed in. `how`: its `tries` and `seconds`, if not the usual."""
    from .client import Portal

    access = chosen_access()
    return Portal(access.url, access.token, access.ca_file, **how)
