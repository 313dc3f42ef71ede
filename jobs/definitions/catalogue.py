"""What a definition may ask for. Pure; filled from the core types and the administrator's settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Hardware:
    """A core type: how many cores a member may have, the price of one for an hour."""

    code: str
    name: str
    cores: Sequence[int]
    price_per_core_hour: Decimal
    currency: str


@dataclass(frozen=True)
class Catalogue:
    """Core types by code, and the limits."""

    core_types: Mapping[str, Hardware]
    most_members: int
    most_hours: int
    most_hold_hours: float
