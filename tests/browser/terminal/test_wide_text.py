"""Text beyond ASCII: emoji and Persian are pasted as they are, wide characters downloaded without blanks."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, run, shows

pytestmark = pytest.mark.browser

FAMILY, PERSIAN = "👨\u200d👩\u200d👧", "می\u200cخواهم"


@pytest.fixture
def page(sign_in: SignIn, alice: User, address: str) -> Page:
    page = sign_in(alice, permissions=["clipboard-read", "clipboard-write"])
    page.goto(address)
    connected(page)
    return page


@pytest.mark.parametrize("text", [FAMILY, PERSIAN, "❤\ufe0f"], ids=["family", "persian", "heart"])
def test_joiners_arrive_without_a_question(page: Page, text: str) -> None:
    command = f"printf %s '{text}' | od -An -tx1 -w99 | tr -d ' '"
    page.evaluate("(content) => navigator.clipboard.writeText(content)", command)
    page.keyboard.press("Control+Shift+V")
    shows(page, "tr -d")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    shows(page, text.encode().hex())


def test_wrapped_wide_characters_are_downloaded_without_blanks(page: Page, tmp_path: Path) -> None:
    cols = page.evaluate(f"{FRONT}.terminal.cols")
    # With a narrow character in front, one of the two lines does not fill its last column.
    run(page, f"w=$(printf '日%.0s' $(seq {cols})); echo $w; echo a$w; echo printed-$((1+1))", "printed-2")
    page.get_by_role("button", name="Terminal menu").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download as text").click()
    target = tmp_path / "scrollback.txt"
    downloading.value.save_as(target)
    lines = target.read_text(encoding="utf-8").splitlines()
    assert "日" * cols in lines
    assert "a" + "日" * cols in lines
