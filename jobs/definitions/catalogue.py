"""What a cluster definition may ask for: core types on offer and limits. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class CoreTypeOffer:
    """A core type on offer: the numbers of cores a member may have, and the price of a core for an hour."""

    code: str
    name: str
    cores: Sequence[int]
    price_per_core_hour: Decimal
    currency: str


@dataclass(frozen=True)
class Catalogue:
    """Core types by code, and the administrator's limits."""

    core_types: Mapping[str, CoreTypeOffer]
    max_members: int
    max_hours: int
    max_hold_hours: float
    max_idle_minutes: int = 0  # 0: any idle limit, and none at all
