"""A small catalogue, and how the tests read with it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings

from jobs.definitions import reader
from jobs.definitions.catalogue import Catalogue, CoreTypeOffer
from jobs.definitions.definition import Definition
from jobs.definitions.problems import DefinitionInvalid

CATALOGUE = Catalogue(
    core_types={
        "emerald": CoreTypeOffer("emerald", "Emerald", (1, 2, 4, 8), Decimal("0.0500"), "USD"),
        "onyx": CoreTypeOffer("onyx", "Onyx", (2, 4), Decimal("0.0850"), "USD"),
    },
    max_members=64,
    max_hours=48,
    max_hold_hours=24,
)
FILES: Mapping[str, str] = {"mesh.zip": "Abcdef"}
# A busy machine takes its time, and the first text takes a table of all characters.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEAD = """\
name = "trial"
hours = 2

[[members]]
name = "head"
core_type = "emerald"
"""


def read(text: str) -> Definition:
    return reader.read_definition(
        text, CATALOGUE, lambda names: {name: FILES[name] for name in names if name in FILES}
    )


def problems(text: str) -> list[str]:
    """Every sentence; empty for a good definition."""
    try:
        read(text)
    except DefinitionInvalid as invalid:
        return [str(problem) for problem in invalid.problems]
    return []


def plan(text: str) -> dict[str, Any]:
    return read(text).plan.as_json()
