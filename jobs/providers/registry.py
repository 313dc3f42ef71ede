"""Return providers by name, one object per process."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from jobs.providers.base import Provider
from jobs.providers.simulated import SimulatedProvider

DEFAULT = "simulated"
FACTORIES: dict[str, Callable[[], Provider]] = {
    "simulated": lambda: SimulatedProvider(
        settings.HEADNODE_SIMULATOR_URL, settings.HEADNODE_SIMULATOR_TOKEN_FILE
    )
}


def provider_names() -> list[str]:
    """Return the names of all providers."""
    return list(FACTORIES)


@cache
def provider_named(name: str) -> Provider:
    """Return the provider with this name. Raises KeyError if there is none."""
    return FACTORIES[name]()
