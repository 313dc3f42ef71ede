"""Fixtures every test may use.

`alice` owns, `bob` may do what he was granted, `charlie` must see nothing. `stack` is the whole portal, running.
"""

import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as settings_of_hypothesis
from playwright.sync_api import Browser, Page

from accounts.models import User
from portal.embedded.preflight import find_redis
from tests import catalogue as core_types
from tests import evidence, migrated_database
from tests.kinds import pytest_addoption, pytest_collection_modifyitems, pytest_generate_tests
from tests.resident_browser import ResidentBrowser
from tests.scheduling import pytest_xdist_make_scheduler, pytest_xdist_setupnodes
from tests.stack import Stack, running
from tests.waiting import LIMIT, wait_for

# Hooks of pytest's and xdist's, found here by their names.
__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "pytest_xdist_make_scheduler",
    "pytest_xdist_setupnodes",
]

# A machine under load is slow, which is no fault of what is tested.
settings_of_hypothesis.register_profile(
    "headnode", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings_of_hypothesis.load_profile("headnode")

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[Path]:
    """A real Redis for the cache, the channel layer and Celery, in this test process's own folder."""
    var = Path(settings.VAR)
    socket = var / "redis.sock"
    command = [find_redis(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    process = subprocess.Popen(
        [*command, "--dir", str(var), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(socket.exists, "Redis listens")
        yield socket
    finally:
        process.terminate()
        process.wait(LIMIT)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """PostgreSQL's test database goes with its server (scripts/with-postgres): dropping it would wait for connections
    that threads of the tests still hold. SQLite's is a migrated one, and goes with the folder it is in."""
    if connection.vendor == "sqlite":
        migrated_database.copy_to(Path(connection.settings_dict["TEST"]["NAME"]))
    return True


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> None:
    """Check that a test made for a database (`postgres`, tests/kinds.py) runs on it."""
    if wanted := getattr(request, "param", None):
        assert connection.vendor == ("postgresql" if wanted == "postgres" else wanted)


@pytest.fixture(autouse=True)
def catalogue(request: pytest.FixtureRequest) -> None:
    """The migrations' core types, for every test with a database: a transactional test's flush takes them."""
    is_test_case = isinstance(request.cls, type) and issubclass(request.cls, TransactionTestCase)
    has_database = is_test_case or request.node.get_closest_marker("django_db") is not None
    if has_database or {"db", "transactional_db", "live_server"} & set(request.fixturenames):
        request.getfixturevalue("db")
        core_types.make_sure()


def _person(name: str) -> User:
    return User.objects.create_user(name, f"{name}@example.org", PASSWORD)


@pytest.fixture
def alice(db: None) -> User:
    """The owner of whatever a test is about."""
    return _person("alice")


@pytest.fixture
def bob(db: None) -> User:
    """May do only what alice granted him."""
    return _person("bob")


@pytest.fixture
def charlie(db: None) -> User:
    """Must see nothing of alice's."""
    return _person("charlie")


@pytest.fixture
def admin(db: None) -> User:
    """An administrator."""
    return User.objects.create_superuser("admin", "admin@example.org", PASSWORD)


@pytest.fixture
def make_key(tmp_path: Path) -> Callable[..., Path]:
    """Make a key pair with the real ssh-keygen: `make_key("ed25519")` answers the private key's path."""

    def make(kind: str = "ed25519", bits: int | None = None, name: str = "", comment: str = "test") -> Path:
        path = tmp_path / (name or f"id_{kind}_{bits or ''}")
        command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", str(path)]
        subprocess.run([*command, *(["-b", str(bits)] if bits else [])], check=True)
        return path

    return make


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole portal, embedded, with the simulator's nodes booting at once; see tests/stack.py."""
    with running(tmp_path_factory.mktemp("stack")) as found:
        yield found


@pytest.fixture(scope="session")
def resident_browser() -> Iterator[ResidentBrowser]:
    """The one Chromium of this test process, started when the first test wants it."""
    found = ResidentBrowser()
    yield found
    found.stop()


@pytest.fixture
def browser(resident_browser: ResidentBrowser) -> Iterator[Browser]:
    """A real Chromium. Each test opens contexts of its own in it, and closes them."""
    with resident_browser.lent() as found:
        yield found
    evidence.forget_pages()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser of its own (own cookies): `browser_page(base_url=..., viewport=...)`.

    The clipboard may be read; an error that a page's script throws fails the test.
    """
    contexts = []
    errors: list[str] = []

    def make(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # options by name
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(LIMIT * 1000)
        contexts.append(context)
        page = context.new_page()
        evidence.watch(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not errors, f"A page's script failed: {errors}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what there is to find the cause by to the report of a failed test."""
    report = yield
    if report.failed:
        folder = Path(item.config._tmp_path_factory.getbasetemp()) / "artifacts"  # type: ignore[attr-defined]  # pytest's tmp_path_factory
        report.sections += evidence.sections(item, folder)
    return report
