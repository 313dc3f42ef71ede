"""Mark each test by the processes it needs, as its fixtures say, and run marked tests on PostgreSQL as well.

`make quick` leaves out what is marked `portal`, `browser` or `simulator`.
"""

from types import ModuleType

import pytest

from tests import stack

KIND_OF_FIXTURE = {
    "stack": "portal",
    "browser": "browser",
    "simulators": "simulator",
}
# A module that holds one of these starts portals by itself.
STARTS_PORTALS = (stack.running, stack.start)
BOTH_DATABASES = "--both-databases"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for a run in which one worker of pytest-xdist has a PostgreSQL."""
    parser.addoption(
        BOTH_DATABASES,
        action="store_true",
        help="run tests marked postgres twice, once on a worker with the PostgreSQL of scripts/with-postgres",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make two tests of one that is marked `postgres`; tests/scheduling.py finds the second by its name."""
    marked = metafunc.definition.get_closest_marker("postgres") is not None
    if marked and metafunc.config.getoption(BOTH_DATABASES):
        metafunc.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the processes it needs."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        kinds = {kind for fixture, kind in KIND_OF_FIXTURE.items() if fixture in fixtures}
        if _starts_portals(getattr(item, "module", None)):
            kinds.add("portal")
        for kind in sorted(kinds):
            item.add_marker(kind)


def _starts_portals(module: ModuleType | None) -> bool:
    held = vars(module).values() if module else ()
    return any(value is starter for value in held for starter in STARTS_PORTALS)
