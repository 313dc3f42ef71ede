"""Ask the provider how many cores of a core type are free."""

from typing import Protocol, runtime_checkable

from jobs.providers import registry
from jobs.providers.base import ProviderError


@runtime_checkable
class CapacityProvider(Protocol):
    """A provider that says how much of it is free."""

    def free_cores(self, core_type: str) -> int | None:
        """Return the free cores of a core type, None if that is not known. Must not take long. Raises ProviderError."""
        ...


def free_cores(core_type: str) -> int | None:
    """Return how many cores are free now; None if the provider does not say so, or not in time."""
    provider = registry.provider_named(registry.DEFAULT)
    if not isinstance(provider, CapacityProvider):
        return None
    try:
        return provider.free_cores(core_type)
    except ProviderError:
        return None
