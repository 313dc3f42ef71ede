"""On a phone: the keys its keyboard lacks, and a page that fits above it."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, picture, run, shows, text, until, write

pytestmark = pytest.mark.browser

HAS_KEYBOARD = "document.activeElement.className === 'xterm-helper-textarea'"


@pytest.fixture
def phone(sign_in: SignIn, alice: User, address: str) -> Page:
    page = sign_in(alice, viewport={"width": 360, "height": 720}, has_touch=True, is_mobile=True)
    page.goto(address)
    connected(page)
    return page


def test_keys_are_sent_and_the_keyboard_stays(phone: Page) -> None:
    keys = phone.get_by_role("toolbar", name="Extra keys")
    phone.locator(".xterm-screen").tap()
    run(phone, "echo phone-$((1+1))", "phone-2")
    keys.get_by_role("button", name="Up", exact=True).tap()
    shows(phone, "node$ echo phone-$((1+1))\n\n")
    assert phone.evaluate(HAS_KEYBOARD)
    keys.get_by_role("button", name="Home").tap()
    write(phone, "X")
    shows(phone, "node$ Xecho phone")
    keys.get_by_role("button", name="Vertical bar").tap()
    shows(phone, "node$ X|echo phone")
    picture(phone, "terminal-phone")
    assert phone.evaluate(HAS_KEYBOARD)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_ctrl_and_alt_stick_for_one_key_or_until_they_are_let_go(phone: Page) -> None:
    keys = phone.get_by_role("toolbar", name="Extra keys")
    ctrl, alt = (keys.get_by_role("button", name=name) for name in ("Ctrl", "Alt"))
    write(phone, "cat -v\n")
    ctrl.tap()
    expect(ctrl).to_have_attribute("aria-pressed", "true")
    write(phone, "a")
    expect(ctrl).to_have_attribute("aria-pressed", "false")
    write(phone, "b\n")
    shows(phone, "\n^Ab\n")
    alt.tap()
    write(phone, "f")
    write(phone, "\n")
    shows(phone, "\n^[f\n")
    ctrl.tap()
    ctrl.tap()
    write(phone, "ee")
    expect(ctrl).to_have_attribute("aria-pressed", "true")
    ctrl.tap()
    expect(ctrl).to_have_attribute("aria-pressed", "false")
    write(phone, "\n")
    shows(phone, "\n^E^E\n")
    ctrl.tap()
    keys.get_by_role("button", name="Right").tap()
    write(phone, "\n")
    shows(phone, "\n^[[1;5C\n")
    ctrl.tap()
    write(phone, "c")
    run(phone, "echo prompt-$((1+1))", "prompt-2")


def test_a_key_does_not_call_the_keyboard_of_who_only_reads(phone: Page) -> None:
    phone.evaluate("document.activeElement.blur()")
    phone.get_by_role("toolbar", name="Extra keys").get_by_role("button", name="Tab").tap()
    assert not phone.evaluate(HAS_KEYBOARD)


def test_the_page_ends_where_the_keyboard_begins(phone: Page) -> None:
    # Chromium shows no on-screen keyboard here; a browser that lays one over the page says so in visualViewport.
    phone.evaluate(
        """() => {
          Object.defineProperty(visualViewport, "height", { get: () => 400, configurable: true });
          visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    until(phone, f"{FRONT}.terminal.rows < 20")
    box = phone.locator("headnode-terminals").bounding_box()
    assert box is not None and box["height"] == 400
    rows = phone.evaluate(f"{FRONT}.terminal.rows")
    run(phone, "echo rows-$(tput -T xterm lines)", f"rows-{rows}")
    assert "rows-" in text(phone)
