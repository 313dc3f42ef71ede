"""A cluster definition that was read and found good. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from jobs.context.plan import ContextPlan
from jobs.definitions.catalogue import Catalogue


@dataclass(frozen=True)
class Definition:
    """What is to be launched. Without a command the cluster is for people, until its hours are over."""

    name: str
    hours: float
    plan: ContextPlan
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    input_files: Sequence[str] = ()  # ids
    auto_terminate: bool | None = None  # None: as in the owner's Job Settings

    @property
    def cores(self) -> int:
        """All members' together."""
        return sum(member.cores for member in self.plan.members)

    def price_per_hour(self, catalogue: Catalogue) -> Decimal:
        """While all of it is up."""
        return sum(
            (
                catalogue.core_types[member.core_type].price_per_core_hour * member.cores
                for member in self.plan.members
            ),
            Decimal(),
        )

    def kinds(self) -> list[tuple[str, int, int]]:
        """Core type, cores and how many members are so, in the order they are first named."""
        counted = Counter((member.core_type, member.cores) for member in self.plan.members)
        return [(core_type, cores, count) for (core_type, cores), count in counted.items()]
