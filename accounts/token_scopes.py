"""What an API token may do: its scopes, and which of them each route and websocket needs. Pure.

The table of routes is `portal.token_scopes`: one place for every app. What is not in it is open to tokens with every
scope only, so that a forgotten route grants nothing.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self


def gettext_noop(text: str) -> str:
    """Mark a text for translation; pages translate it when they show it. Django's own is not for pure modules."""
    return text


class TokenScope(StrEnum):
    """One thing that a token may do. The values are stored and part of the API: never change one."""

    label: str
    sentence: str

    def __new__(cls, value: str, label: str, sentence: str) -> Self:
        """Make a member that equals its word and carries its label and sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label, member.sentence = label, sentence
        return member

    READ = (
        "read",
        gettext_noop("Read"),
        gettext_noop("See your jobs, files, logs, costs and settings. Change nothing."),
    )
    JOBS = (
        "jobs",
        gettext_noop("Jobs"),
        gettext_noop("See, create, submit, change, stop and delete jobs. This can cost money."),
    )
    FILES = (
        "files",
        gettext_noop("Files"),
        gettext_noop(
            "Read, upload and delete files, also those of a running job on its node. Its command may read them."
        ),
    )
    TERMINAL = (
        "terminal",
        gettext_noop("Terminal"),
        gettext_noop(
            "Open shells on your nodes, and share and end them. A shell can do whatever you can do there."
        ),
    )
    SETTINGS = (
        "settings",
        gettext_noop("Settings"),
        gettext_noop("Change your SSH keys, access rules, webhooks, notifications and tokens."),
    )
    ADMIN = (
        "admin",
        gettext_noop("Administration"),
        gettext_noop(
            "Act as an administrator. Without it, an administrator's token may do what anybody may."
        ),
    )


ALL_SCOPES: tuple[TokenScope, ...] = tuple(TokenScope)
Scopes = frozenset[TokenScope]
# What is open to every token, whatever its scopes: to see and to end itself.
ANY_TOKEN: Scopes = frozenset()


def all_scopes() -> list[str]:
    """Return every scope: the default of the model's field, and what a token has for which nothing was chosen."""
    return [scope.value for scope in ALL_SCOPES]


def ordered(scopes: Iterable[str]) -> list[str]:
    """Return these scopes once each, in the order in which they are shown."""
    chosen = set(scopes)
    return [scope.value for scope in ALL_SCOPES if scope.value in chosen]


def missing_scopes(held: Iterable[str], needed: Scopes | None) -> list[TokenScope]:
    """Return the scopes of which a token lacks any one; empty if it has one of them. None needs every scope."""
    mine = set(held)
    if needed is None:
        return [scope for scope in ALL_SCOPES if scope.value not in mine]
    if not needed or any(scope.value in mine for scope in needed):
        return []
    return [scope for scope in ALL_SCOPES if scope in needed]
