"""Ask providers whether their nodes keep users apart, and remember the answer: without a sandbox, one user only."""

import logging
from typing import Protocol, runtime_checkable

from accounts.users.single_user import remember_single_user
from jobs.providers import registry
from jobs.providers.base import ProviderError

TASK_NAME = "jobs.remember_isolation"
log = logging.getLogger(__name__)


@runtime_checkable
class ReportsIsolation(Protocol):
    """A provider whose nodes might not be kept apart. Clouds that do not say so keep them apart."""

    def keeps_users_apart(self) -> bool:
        """Return whether the programs of one user's nodes cannot reach another user's. Raises ProviderError."""


def remember_isolation() -> None:
    """Remember whether every provider keeps users apart. What holds stays as it is while one does not answer."""
    try:
        answers = [
            provider.keeps_users_apart()
            for provider in map(registry.provider_named, registry.provider_names())
            if isinstance(provider, ReportsIsolation)
        ]
    except ProviderError as error:
        log.warning("whether nodes keep users apart cannot be asked: %s", error)
        return
    remember_single_user(not all(answers))
