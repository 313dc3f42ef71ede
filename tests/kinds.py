"""Mark each test by the processes it needs, as its fixtures say, and run some tests on PostgreSQL as well.

`make quick` leaves out what is marked `portal`, `browser`, `simulator` or `slow`.
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
SLOW = ("tests/portal/test_api_fuzz.py", "tests/sshgateway/process/test_thousand_sessions.py")
BOTH_DATABASES = "--both-databases"
# Besides what is marked `postgres`: locks, races, sequences, chains, and SQL of one's own.
FOR_POSTGRES = (
    "tests/accounts/api/test_projects.py",
    "tests/accounts/audit/",
    "tests/accounts/notifications/",
    "tests/jobs/api/test_catalogue.py",
    "tests/jobs/api/test_cost.py",
    "tests/jobs/api/test_files.py",
    "tests/jobs/api/test_impossible_values.py",
    "tests/jobs/api/test_input_files.py",
    "tests/jobs/context/test_broker.py",
    "tests/jobs/context/test_registration_race.py",
    "tests/jobs/control/test_claim",
    "tests/jobs/control/test_deadline_warnings.py",
    "tests/jobs/control/test_login_records.py",
    "tests/jobs/costs/test_charging.py",
    "tests/jobs/costs/test_rate_card.py",
    "tests/jobs/costs/test_reports.py",
    "tests/jobs/events/",
    "tests/jobs/lifetime/test_budget_check.py",
    "tests/jobs/lifetime/test_extend.py",
    "tests/jobs/submission/test_job_actions.py",
    "tests/jobs/submission/test_projects.py",
    "tests/sshgateway/certificates/test_rotation.py",
    "tests/sshgateway/sessions/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for a run in which one worker of pytest-xdist has a PostgreSQL."""
    parser.addoption(
        BOTH_DATABASES,
        action="store_true",
        help="run the tests for PostgreSQL twice, once on a worker with the PostgreSQL of scripts/with-postgres",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make two tests of one that is also for PostgreSQL; tests/scheduling.py finds the second by its name."""
    if not metafunc.config.getoption(BOTH_DATABASES):
        return
    definition = metafunc.definition
    if definition.get_closest_marker("postgres") or definition.nodeid.startswith(FOR_POSTGRES):
        metafunc.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the processes it needs."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        kinds = {kind for fixture, kind in KIND_OF_FIXTURE.items() if fixture in fixtures}
        if _starts_portals(getattr(item, "module", None)):
            kinds.add("portal")
        if item.nodeid.startswith(SLOW):
            kinds.add("slow")
        for kind in sorted(kinds):
            item.add_marker(kind)


def _starts_portals(module: ModuleType | None) -> bool:
    held = vars(module).values() if module else ()
    return any(value is starter for value in held for starter in STARTS_PORTALS)
