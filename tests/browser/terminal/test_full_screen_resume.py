"""A full-screen program that printed more than is kept: another device shows it as the first one did."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, shows, until, write
from tests.sshgateway import sshd

pytestmark = pytest.mark.browser

# As vim does, with the cursor hidden; it draws itself again when its window changes. It prints some 600 kB.
PROGRAM = r"""
printf '\e[?1049h\e[?1h\e=\e[?2004h\e[?1002;1006h\e[?25l\e]2;my-program\a\e(0'
seq 100000
trap 'printf "\e[H\e[2J\e(Bdrawn-again-2"' WINCH
printf '\e(Bready-2'
while :; do sleep 0.1; done
"""
STATE = f"""(({{ modes, buffer, _core }}) => ({{
  screen: buffer.active.type,
  cursorKeys: modes.applicationCursorKeysMode,
  keypad: modes.applicationKeypadMode,
  paste: modes.bracketedPasteMode,
  mouse: modes.mouseTrackingMode,
  cursorHidden: _core.coreService.isCursorHidden,
}}))({FRONT}.terminal)"""
EXPECTED = {
    "screen": "alternate",
    "cursorKeys": True,
    "keypad": True,
    "paste": True,
    "mouse": "drag",
    "cursorHidden": True,
}


@pytest.fixture
def first(window: Page, node: sshd.Node) -> Page:
    """A window in which the program runs, after all that output."""
    connected(window)
    (node.folder / "program").write_text(PROGRAM)
    write(window, f"bash {node.folder}/program\n")
    shows(window, "ready-2", limit=60)
    assert window.evaluate(STATE) == EXPECTED
    return window


def is_as_before(page: Page) -> None:
    shows(page, "drawn-again-2", limit=60)
    assert page.evaluate(STATE) == EXPECTED
    expect(page).to_have_title("my-program · Wing flow")


def test_on_another_device(sign_in: SignIn, alice: User, first: Page, address: str) -> None:
    other = sign_in(alice)
    other.goto(address)
    connected(other)
    other.locator(".hn-banner").get_by_role("button", name="Continue here").click()
    expect(other.locator(".hn-banner").filter(has_text="are not kept and not shown")).to_be_visible()
    is_as_before(other)


def test_after_a_reload(first: Page) -> None:
    first.reload()
    is_as_before(first)


def test_a_program_that_ended_meanwhile_leaves_no_modes(
    sign_in: SignIn, alice: User, window: Page, address: str
) -> None:
    connected(window)
    write(
        window,
        r"printf '\e[?1049h\e[?1h\e[?1002;1006h\e[?25l'; sleep 0.2; printf '\e[?1049l\e[?1l\e[?1002l\e[?25h'; "
        "seq 100000; echo end-$((1+1))\n",
    )
    shows(window, "end-2", limit=60)
    other = sign_in(alice)
    other.goto(address)
    connected(other)
    other.locator(".hn-banner").get_by_role("button", name="Continue here").click()
    shows(other, "end-2", limit=60)
    until(other, f"{FRONT}.terminal.modes.bracketedPasteMode")  # the prompt is there
    assert other.evaluate(STATE) == {
        "screen": "normal",
        "cursorKeys": False,
        "keypad": False,
        "paste": True,
        "mouse": "none",
        "cursorHidden": False,
    }
