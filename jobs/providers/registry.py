"""Providers by name."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from jobs.providers.base import Provider
from jobs.providers.simulated import SimulatedProvider

DEFAULT = "simulated"
MAKERS: dict[str, Callable[[], Provider]] = {
    "simulated": lambda: SimulatedProvider(
        settings.HEADNODE_SIMULATOR_URL, settings.HEADNODE_SIMULATOR_TOKEN_FILE
    )
}


def names() -> list[str]:
    """Every provider there is."""
    return list(MAKERS)


@cache
def provider(name: str) -> Provider:
    """The provider of that name, one object per process. Raises KeyError for a name there is none of."""
    return MAKERS[name]()
