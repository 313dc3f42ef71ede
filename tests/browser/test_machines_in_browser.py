"""Machines in a real Chromium: an administrator adds one, checks it and works on it; alice finds hers."""

import getpass
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AccessRule, User
from jobs.models import Machine
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import connected, picture, run
from tests.factories import MachineFactory
from tests.sshgateway import sshd

pytestmark = pytest.mark.browser


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[sshd.Node]:
    running = sshd.start(tmp_path / "node")
    yield running
    running.stop()


def test_an_administrator_adds_checks_and_uses_a_machine(
    sign_in: SignIn, admin: User, alice: User, node: sshd.Node
) -> None:
    AccessRule.objects.create(owner=admin, cidr="127.0.0.0/8")
    page = sign_in(admin)
    page.goto("/")
    page.get_by_role("link", name="Machines").click()
    page.get_by_role("link", name="Add a machine").click()
    page.get_by_label("Name", exact=True).fill("Login node")
    page.get_by_label("Host name or address").fill("root@127.0.0.1")
    page.get_by_label("Port").fill(str(node.port))
    page.get_by_label("Account to log in to").fill(getpass.getuser())
    page.get_by_label("Public host key").fill(f"[127.0.0.1]:{node.port} {node.host_key}\n")
    page.get_by_label("User names").fill("alice")
    page.get_by_role("button", name="Add machine").click()
    expect(page.get_by_text("the login name has a field of its own")).to_be_visible()
    page.get_by_label("Host name or address").fill("127.0.0.1")
    page.get_by_role("button", name="Add machine").click()
    expect(page.get_by_text("Added “Login node”")).to_be_visible()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("It works.")).to_be_visible()
    picture(page, "machine-works")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open terminal").click()
    terminal = opened.value
    connected(terminal)
    run(terminal, "echo answer-$((6*7))", "answer-42")
    expect(terminal.locator(".hn-status")).to_contain_text("Login node")
    picture(terminal, "machine-terminal")
    # Removing it asks first, and ends the shell that is open there.
    page.get_by_role("button", name="Remove machine").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The machine itself is not touched.")
    dialog.get_by_role("button", name="Remove machine").click()
    expect(page.get_by_text("Removed “Login node”.")).to_be_visible()
    expect(terminal.get_by_role("alert")).to_contain_text("An administrator removed this machine")


@pytest.mark.parametrize("width", [360, 1440])
def test_the_pages_have_no_finding(
    sign_in: SignIn, admin: User, alice: User, node: sshd.Node, width: int
) -> None:
    here = {"host": "127.0.0.1", "port": node.port, "username": getpass.getuser()}
    MachineFactory.create(
        name="Login node",
        host="login.example.org",
        scheduler="slurm",
        notes="Compile and submit here.\nNo long computations, please.",
        people=[alice],
    )
    MachineFactory.create(name="Licence server", host="2001:db8::15", port=2222, enabled=False)
    known = MachineFactory.create(name="Workstation 7", people=[alice], host_keys=[node.host_key], **here)
    strange = MachineFactory.create(
        name="Visualisation",
        everyone=True,
        host_key_alarm_at="2026-01-01T00:00:00Z",
        host_key_shown="SHA256:" + "x" * 43,
        **here,
    )
    found: list[str] = []

    def look(page: Page, name: str) -> None:
        found.extend(findings(page))
        if os.environ.get("SCREENSHOT_FOLDER"):
            page.set_viewport_size({"width": width, "height": page.evaluate("document.body.scrollHeight")})
        picture(page, f"{name}-{width}")
        page.set_viewport_size({"width": width, "height": 800})

    page = sign_in(admin, viewport={"width": width, "height": 800})
    page.goto("/machines/")
    look(page, "machines")
    page.goto("/machines/new/")
    look(page, "machine-new")
    page.get_by_role("button", name="Add machine").click()
    expect(page.get_by_text("Nothing was saved")).to_be_visible()
    look(page, "machine-refused")
    for machine, words in ((known, "It works."), (strange, "Another host key. Stop.")):
        page.goto(f"/machines/{machine.pk}/")
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.get_by_text(words)).to_be_visible()
        look(page, f"machine-{machine.name.split()[0].lower()}")
    Machine.objects.filter(pk=known.pk).update(username="nobody-of-that-name")
    page.goto(f"/machines/{known.pk}/")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("it refused the portal's login")).to_be_visible()
    look(page, "machine-not-trusting")
    page = sign_in(alice, viewport={"width": width, "height": 800})
    page.goto("/machines/")
    look(page, "machines-of-alice")
    Machine.objects.all().delete()
    page.goto("/machines/")
    look(page, "machines-none")
    assert found == []
