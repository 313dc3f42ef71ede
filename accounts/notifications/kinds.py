"""The kinds of notification: a stable word, its title and sentence, and whether it is mailed by default. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


def gettext_noop(text: str) -> str:
    """Mark a text for translation; pages translate it when they show it. Django's own is not for pure modules."""
    return text


class NotificationKind(StrEnum):
    """What people can be told. The values are stored and sent to webhooks: never change one.

    `heading` is the title of a notification that has none of its own, `sentence` says when it comes. `mails` is
    whether it is mailed unless its person chose otherwise; an urgent one is never held back for a digest.
    """

    heading: str
    sentence: str
    mails: bool
    is_urgent: bool

    def __new__(cls, value: str, heading: str, sentence: str, *flags: bool) -> Self:
        """Make a member that equals its word. `flags`: `mails`, `is_urgent`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.heading, member.sentence = heading, sentence
        member.mails, member.is_urgent = (*flags, False, False)[:2]
        return member

    JOB_STARTED = (
        "job_started",
        gettext_noop("Job started"),
        gettext_noop("The nodes of a job are up and its command has begun."),
    )
    JOB_ENDED = (
        "job_ended",
        gettext_noop("Job completed"),
        gettext_noop("A job has completed, or you stopped it."),
        True,
    )
    JOB_FAILED = (
        "job_failed",
        gettext_noop("Job failed"),
        gettext_noop("A job has failed. The reason is in the message."),
        True,
    )
    DEADLINE_NEAR = (
        "deadline_near",
        gettext_noop("Cluster ends soon"),
        gettext_noop("A cluster ends in 60, 15 or 5 minutes. The message has a link that extends it."),
        True,
        True,
    )
    BUDGET = (
        "budget",
        gettext_noop("Budget"),
        gettext_noop("50, 80 or 100 % of a budget that is yours, or that you look after, is spent."),
        True,
    )
    KEY_EXPIRING = (
        "key_expiring",
        gettext_noop("SSH key expires soon"),
        gettext_noop("One of your SSH keys expires within a week."),
        True,
    )
    TOKEN_EXPIRING = (
        "token_expiring",
        gettext_noop("API token expires soon"),
        gettext_noop("One of your API tokens expires within a week."),
        True,
    )
    SHARED_WITH_YOU = (
        "shared_with_you",
        gettext_noop("Shared with you"),
        gettext_noop("Somebody shares a terminal with you."),
        True,
    )
    HOST_KEY_ALARM = (
        "host_key_alarm",
        gettext_noop("Host key alarm"),
        gettext_noop("A node shows another host key than it reported."),
        True,
        True,
    )
    WEBHOOK_OFF = (
        "webhook_off",
        gettext_noop("Webhook switched off"),
        gettext_noop(
            "A webhook of yours failed for days or said that it is gone, so the portal stopped sending to it."
        ),
        True,
    )


@dataclass(frozen=True)
class Channels:
    """By which ways a person is told of one kind."""

    page: bool
    mail: bool
    webhook: bool


def default_channels(kind: NotificationKind) -> Channels:
    """Return what holds for a person who chose nothing. A webhook says itself which kinds it gets."""
    return Channels(page=True, mail=kind.mails, webhook=True)


DEFAULT_CHANNELS: Mapping[NotificationKind, Channels] = {
    kind: default_channels(kind) for kind in NotificationKind
}


_BY_VALUE = {kind.value: kind for kind in NotificationKind}


def find_kind(value: str) -> NotificationKind | None:
    """Return the kind stored as `value`; None for one that this version does not have."""
    return _BY_VALUE.get(value)
