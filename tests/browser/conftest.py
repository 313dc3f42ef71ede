"""A real Chromium on pages served by the real ASGI application, websockets included."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from jobs.models import CoreType
from portal import serving
from portal.asgi import application
from sshgateway.process import gateway
from tests import evidence
from tests.catalogue import make_sure_of_analyses
from tests.resident_browser import INSECURE_NAME
from tests.waiting import LIMIT, wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
expect.set_options(timeout=LIMIT * 1000)


@pytest.fixture(autouse=True, scope="session")
def bundle() -> None:
    """The front end as `npm run build` makes it, built when it is missing."""
    if not (ROOT / "static" / "dist" / "site.js").exists():
        if not (ROOT / "node_modules").exists():
            subprocess.run(["npm", "ci"], cwd=ROOT, check=True, capture_output=True)
        subprocess.run(["npm", "run", "build"], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(autouse=True)
def orm_beside_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright's synchronous API keeps an event loop in this thread; the ORM is used beside it, not in it."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(autouse=True)
def catalogue() -> None:
    """Not here: these tests ask for `core_types` when they have a database."""


@pytest.fixture
def core_types(transactional_db: None) -> None:
    """The catalogue: tests that commit lose what migrations put in."""
    CoreType.objects.get_or_create(
        code="emerald",
        defaults={
            "name": "Emerald",
            "description": "Balanced.",
            "processor": "Xeon class",
            "cores": [1, 2, 4, 8],
            "memory_mb_per_core": 4000,
            "price_per_core_hour": "0.05",
            "ssh_port": 32100,
        },
    )
    CoreType.objects.get_or_create(
        code="quartz",
        defaults={
            "name": "Quartz",
            "description": "Cheap.",
            "processor": "Graviton class",
            "cores": [1, 2],
            "memory_mb_per_core": 2000,
            "price_per_core_hour": "0.02",
            "ssh_port": 22,
            "display_order": 1,
        },
    )
    make_sure_of_analyses()


@pytest.fixture
def portal(core_types: None) -> Iterator[str]:
    """The address of the portal, served as production serves it, in a thread on the test database."""
    settings.ALLOWED_HOSTS.append(INSECURE_NAME)
    server = serving.Server(serving.config(application), gateway.end_all_sessions)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started, "the portal listens")
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(LIMIT)
        assert not thread.is_alive(), "the portal did not stop"
        settings.ALLOWED_HOSTS.remove(INSECURE_NAME)
        for other in connections.all(initialized_only=True):
            if other is not connection:
                other.close()


@pytest.fixture
def aside(portal: str) -> Iterator[Callable[..., Any]]:
    """`aside(verb, ...)` does it in another thread, as a worker would: bells need a thread without an event loop."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda verb, *args, **kwargs: pool.submit(verb, *args, **kwargs).result(LIMIT)
        pool.submit(connections.close_all).result(LIMIT)


SignIn = Callable[..., Page]
Aside = Callable[..., Any]


@pytest.fixture
def sign_in(browser: Browser, portal: str) -> Iterator[SignIn]:
    """`sign_in(user)` opens a browser of that person's own; what the page logs as an error fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(user: User, base: str = portal, **options: object) -> Page:
        client = Client()
        client.force_login(user)
        context = browser.new_context(base_url=base, reduced_motion="reduce", **options)  # type: ignore[arg-type]  # options by name
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base}])
        contexts.append(context)
        context.set_default_timeout(LIMIT * 1000)
        page = context.new_page()
        evidence.watch(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
