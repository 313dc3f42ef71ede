"""A checked cluster definition. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from jobs.context.context_plan import ContextPlan
from jobs.costs.rates import price_per_hour
from jobs.definitions.catalogue import Catalogue


@dataclass(frozen=True)
class Definition:
    """What to launch. Without a command the cluster is for interactive work, until its hours are over."""

    name: str
    hours: float
    plan: ContextPlan
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    input_files: Sequence[str] = ()  # ids
    auto_terminate: bool | None = None  # None: as in the owner's Job Settings
    idle_minutes: int | None = None  # None: the portal's own; 0: none

    @property
    def cores(self) -> int:
        """The cores of all members."""
        return sum(member.cores for member in self.plan.members)

    def price_per_hour(self, catalogue: Catalogue) -> Decimal:
        """Return the price per hour while all members run."""
        return price_per_hour(
            (catalogue.core_types[member.core_type].price_per_core_hour, member.cores)
            for member in self.plan.members
        )

    def kinds(self) -> list[tuple[str, int, int]]:
        """Return (core type, cores, number of members) for each kind of member, in the order they first appear."""
        counted = Counter((member.core_type, member.cores) for member in self.plan.members)
        return [(core_type, cores, count) for (core_type, cores), count in counted.items()]
