"""A Mac's Option key: it types what the keyboard shows, selects under a program's mouse, and can be made Meta."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, run, shows, until, write

pytestmark = pytest.mark.browser

MAC = """
Object.defineProperty(navigator, "platform", { get: () => "MacIntel" });
Object.defineProperty(navigator, "userAgentData", { get: () => ({ platform: "macOS", brands: [], mobile: false }) });
"""
ALT = 1
# What Option types on German, French, Swiss and Spanish keyboards, and the key that it is on there.
OPTION_KEYS = [
    ("@", "KeyL", 76),
    ("[", "Digit5", 53),
    ("]", "Digit6", 54),
    ("|", "Digit7", 55),
    ("{", "Digit8", 56),
    ("}", "Digit9", 57),
    ("~", "KeyN", 78),
    ("\\", "Digit7", 55),
    ("€", "KeyE", 69),
]


@pytest.fixture
def mac(sign_in: SignIn, alice: User, address: str) -> Page:
    page = sign_in(alice)
    page.add_init_script(MAC)
    page.goto(address)
    connected(page)
    return page


def press_option(page: Page, typed: str, code: str, number: int) -> None:
    """Press a key with Option held, as Chromium reports it on a Mac."""
    keyboard = page.context.new_cdp_session(page)
    key = {"code": code, "windowsVirtualKeyCode": number, "modifiers": ALT, "key": typed}
    keyboard.send(
        "Input.dispatchKeyEvent", {**key, "type": "keyDown", "text": typed, "unmodifiedText": typed}
    )
    keyboard.send("Input.dispatchKeyEvent", {**key, "type": "keyUp"})


def watch_input(page: Page) -> None:
    page.evaluate(f"window.sent = ''; {FRONT}.terminal.onData((text) => {{ window.sent += text; }})")


def test_option_types_the_characters_that_are_on_the_keyboard(mac: Page) -> None:
    watch_input(mac)
    write(mac, "echo 'a")
    for typed, code, number in OPTION_KEYS:
        press_option(mac, typed, code, number)
    run(mac, "z-'$((1+1))", "a@[]|{}~\\€z-2")
    assert "\x1b" not in mac.evaluate("window.sent")


def test_option_is_meta_for_who_wants_it(mac: Page) -> None:
    mac.get_by_role("button", name="Terminal menu").click()
    mac.get_by_label("Option key sends Esc (Meta)").check()
    mac.keyboard.press("Escape")
    mac.evaluate(f"{FRONT}.terminal.focus()")
    watch_input(mac)
    press_option(mac, "@", "KeyL", 76)
    until(mac, "window.sent === '\\x1bl'")
    mac.reload()
    connected(mac)
    watch_input(mac)
    press_option(mac, "@", "KeyL", 76)
    until(mac, "window.sent === '\\x1bl'")


def drag(page: Page) -> None:
    box = page.locator("headnode-terminal:not([hidden]) .xterm-screen").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 8, steps=4)
    page.mouse.up()


def test_option_selects_while_a_program_has_the_mouse(mac: Page) -> None:
    run(mac, r"clear; printf 'select-%s-me\e[?1002;1006h\n' $((1+1)); cat >/dev/null", "select-2-me")
    until(mac, f"{FRONT}.terminal.modes.mouseTrackingMode === 'drag'")
    watch_input(mac)
    drag(mac)
    until(mac, "window.sent.startsWith('\\x1b[<')")
    assert mac.evaluate(f"{FRONT}.terminal.getSelection()") == ""
    mac.evaluate("window.sent = ''")
    mac.keyboard.down("Alt")
    drag(mac)
    mac.keyboard.up("Alt")
    assert "select-2-me" in mac.evaluate(f"{FRONT}.terminal.getSelection()")
    assert mac.evaluate("window.sent") == ""


def test_other_systems_have_no_option_key(sign_in: SignIn, alice: User, address: str) -> None:
    page = sign_in(alice)
    page.goto(address)
    connected(page)
    page.get_by_role("button", name="Terminal menu").click()
    expect(page.get_by_label("Flash at the bell")).to_be_visible()
    expect(page.get_by_label("Option key sends Esc (Meta)")).to_be_hidden()
    page.keyboard.press("Escape")
    page.evaluate(f"{FRONT}.terminal.focus()")
    watch_input(page)
    page.keyboard.press("Alt+l")
    until(page, "window.sent === '\\x1bl'")
    page.keyboard.press("Control+c")
    shows(page, "^C")
