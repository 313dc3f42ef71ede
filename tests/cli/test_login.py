"""Signing in as a person does: the code on the terminal, the page in the browser; a pasted token; signing out."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.people import sign_in, with_token
from tests.cli.installed import Installed, OnTerminal
from tests.stack import Stack

pytestmark = pytest.mark.acceptance
CODE = r"Confirm this code: ([B-Z]{4}-[B-Z]{4})"


def secrets_in(folder: Path) -> list[str]:
    """The files below a folder that hold a token."""
    return [path.name for path in folder.rglob("*") if path.is_file() and b"hn_" in path.read_bytes()]


def test_a_code_confirmed_on_the_page_signs_in_and_logout_ends_the_token(
    stack: Stack,
    person: Callable[..., Installed],
    on_terminal: Callable[[OnTerminal], OnTerminal],
    browser_page: Callable[..., Page],
) -> None:
    alice = person()
    login = on_terminal(alice.begin("login", stack.base_url))
    code = login.wait_text(CODE).group(1)
    address = login.wait_text(rf"{stack.base_url}device/\?code={code}").group()

    page = browser_page(viewport={"width": 390, "height": 844})
    sign_in(page, stack)
    page.goto(address)
    expect(page.locator("#user-code")).to_have_text(code)
    expect(page.locator("main")).to_contain_text("headnode on ")
    expect(page.locator("main")).to_contain_text("127.0.0.1")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("h1")).to_have_text("The command line is signed in")

    assert login.end() == 0
    assert "Signed in to " in login.shown
    assert "hn_" not in login.text
    assert alice.good("whoami", "--quiet") == "admin\n"
    assert json.loads(alice.good("whoami", "--json"))["username"] == "admin"
    assert secrets_in(alice.home) == ["tokens.json"]
    kept = alice.home / ".config/headnode/tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    token = next(iter(json.loads(kept.read_text()).values()))

    assert "Signed out" in alice.good("logout")
    assert secrets_in(alice.home) == []
    assert alice.run("whoami").returncode == 3
    refused = person("mallory").run("whoami", HEADNODE_URL=stack.base_url, HEADNODE_TOKEN=token)
    assert refused.returncode == 3
    assert "headnode login" in refused.stderr


def test_signing_in_again_ends_the_token_before(
    stack: Stack,
    person: Callable[..., Installed],
    on_terminal: Callable[[OnTerminal], OnTerminal],
    browser_page: Callable[..., Page],
) -> None:
    alice, page = person(), browser_page()
    sign_in(page, stack)
    kept = alice.home / ".config/headnode/tokens.json"
    found: list[str] = []
    for _ in range(2):
        login = on_terminal(alice.begin("login", stack.base_url, "--no-browser"))
        page.goto(login.wait_text(rf"{stack.base_url}device/\?code=\S+").group().strip())
        page.get_by_role("button", name="Approve").click()
        assert login.end() == 0
        found.append(next(iter(json.loads(kept.read_text()).values())))
    refused = alice.run("whoami", HEADNODE_URL=stack.base_url, HEADNODE_TOKEN=found[0])
    assert (refused.returncode, "headnode login" in refused.stderr) == (3, True)
    assert alice.good("whoami", "--quiet") == "admin\n"


def test_a_code_that_is_refused_signs_nobody_in(
    stack: Stack,
    person: Callable[..., Installed],
    on_terminal: Callable[[OnTerminal], OnTerminal],
    browser_page: Callable[..., Page],
) -> None:
    alice = person()
    login = on_terminal(alice.begin("login", stack.base_url, "--no-browser"))
    code = login.wait_text(CODE).group(1)
    page = browser_page()
    sign_in(page, stack)
    page.goto(f"{stack.base_url}device/")
    page.get_by_label("Code").fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Refuse").click()
    assert login.end() == 3
    assert "refused on the confirmation page" in login.shown
    assert secrets_in(alice.home) == []


def test_ctrl_c_while_waiting_asks_for_a_token_that_the_terminal_does_not_show(
    stack: Stack, person: Callable[..., Installed], on_terminal: Callable[[OnTerminal], OnTerminal]
) -> None:
    alice, token = person(), with_token(stack).token
    login = on_terminal(alice.begin("login", stack.base_url))
    login.wait_text("Waiting")
    login.type("\x03")
    login.wait_text("Token: ")
    login.type(f"{token}\n")
    assert login.end() == 0
    assert token not in login.text
    assert alice.good("whoami", "-q") == "admin\n"


def test_several_portals_are_profiles(stack: Stack, person: Callable[..., Installed]) -> None:
    alice, token = person(), with_token(stack).token
    other = stack.base_url.replace("127.0.0.1", "localhost")
    for name, url in (("one", stack.base_url), ("two", other)):
        alice.good("login", url, "--with-token", "--profile", name, given=token)
    assert "localhost" in alice.good("whoami")
    assert "127.0.0.1" in alice.good("whoami", "--profile", "one")
    assert alice.run("whoami", "--profile", "three").returncode == 2
    alice.good("logout", "--profile", "two")
    assert "127.0.0.1" in alice.run("whoami", "--profile", "one").stderr  # one token: it is over for both


@pytest.mark.parametrize("given", ["", "\n", "not a token\n", "hn_wrong\n"])
def test_a_token_that_is_none_leaves_no_trace(
    stack: Stack, person: Callable[..., Installed], given: str
) -> None:
    alice = person()
    done = alice.run("login", stack.base_url, "--with-token", given=given)
    assert done.returncode in (1, 3)
    assert len(done.stderr.strip().splitlines()) == 1
    assert secrets_in(alice.home) == []
    assert os.listdir(alice.home) == []


def test_not_signed_in_is_3(stack: Stack, person: Callable[..., Installed]) -> None:
    alice = person()
    wrong = {"HEADNODE_URL": stack.base_url, "HEADNODE_TOKEN": "hn_no"}
    tries: list[dict[str, Any]] = [{}, {"HEADNODE_URL": stack.base_url}, wrong]
    for environment in tries:
        done = alice.run("whoami", **environment)
        assert done.returncode == 3
        assert "headnode login" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_no_django_and_nothing_of_the_portals_is_installed(person: Callable[..., Installed]) -> None:
    alice = person()
    python = alice.program.parent / "python"
    code = "import importlib.util as u; print([n for n in ('django','portal','jobs','accounts') if u.find_spec(n)])"
    done = Installed(python, alice.home).run("-c", code)
    assert done.stdout == "[]\n"
