"""Keep whether each provider's list of clusters can be read, since when not, and why.

The worker that searches writes it, and every process reads it: a list that cannot be read hides clusters that cost.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import OrphanSearch
from jobs.providers.base import ProviderError

logger = logging.getLogger(__name__)
UNEXPECTED = "The search broke on an error of the portal; its log has the details."


@contextmanager
def recorded(provider_name: str) -> Iterator[None]:
    """Record how the search in this block went. Whatever it raised is raised again."""
    try:
        yield
    except ProviderError as error:
        _record_failure(provider_name, error.message)
        raise
    except Exception:
        _record_failure(provider_name, UNEXPECTED)
        raise
    _record_success(provider_name)


def failing_searches() -> QuerySet[OrphanSearch]:
    """Return the providers whose list could not be read when it was last asked for."""
    return OrphanSearch.objects.filter(failing_since__isnull=False)


def _record_failure(provider_name: str, problem: str) -> None:
    """Save the problem. The time stays that of the first failure in a row."""
    row, _ = OrphanSearch.objects.update_or_create(
        provider=provider_name, defaults={"problem": problem[:500]}
    )
    first = OrphanSearch.objects.filter(pk=row.pk, failing_since__isnull=True)
    if first.update(failing_since=timezone.now()):
        logger.error("the list of clusters of %s cannot be read: %s", provider_name, problem)


def _record_success(provider_name: str) -> None:
    success = {"searched_at": timezone.now(), "failing_since": None, "problem": ""}
    OrphanSearch.objects.update_or_create(provider=provider_name, defaults=success)
