"""The question before a paste that somebody should look at."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, picture, run, shows, text

pytestmark = pytest.mark.browser


@pytest.fixture
def page(sign_in: SignIn, alice: User, address: str) -> Page:
    page = sign_in(alice, permissions=["clipboard-read", "clipboard-write"])
    page.goto(address)
    connected(page)
    return page


def paste(page: Page, content: str) -> None:
    """As a person does: from the clipboard, with the keys."""
    page.evaluate("(content) => navigator.clipboard.writeText(content)", content)
    page.keyboard.press("Control+Shift+V")


def bracketed(page: Page, on: bool) -> None:
    """bash switches it on at its prompt by itself, where readline was not told otherwise."""
    word = "on" if on else "off"
    run(page, f"bind 'set enable-bracketed-paste {word}'; echo {word}-$((1+1))", f"{word}-2")


def test_one_line_is_pasted_without_a_question(page: Page) -> None:
    paste(page, "echo pasted-$((1+1))")
    shows(page, "echo pasted-$((1+1))")
    page.keyboard.press("Enter")
    shows(page, "pasted-2")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_lines_that_would_run_at_once_are_shown_first(page: Page) -> None:
    bracketed(page, False)
    paste(page, "echo one-$((1+1))\necho two-$((1+1))\n")
    dialog = page.get_by_role("dialog", name="Paste this?")
    expect(dialog).to_contain_text("2 lines")
    expect(dialog).to_contain_text("echo two-$((1+1))")
    picture(page, "terminal-paste")
    dialog.get_by_role("button", name="Cancel").click()
    run(page, "echo after-$((1+1))", "after-2")
    assert "one-2" not in text(page)
    paste(page, "echo one-$((1+1))\necho two-$((1+1))\n")
    dialog.get_by_role("button", name="Paste", exact=True).click()
    shows(page, "one-2")
    shows(page, "two-2")


def test_pasted_as_one_line(page: Page) -> None:
    bracketed(page, False)
    paste(page, "echo first-$((1+1))\n   second-$((1+1))\n")
    page.get_by_role("button", name="Paste as one line").click()
    shows(page, "echo first-$((1+1)) second-$((1+1))")
    page.keyboard.press("Enter")
    shows(page, "\nfirst-2 second-2\n")


def test_with_bracketed_paste_few_lines_need_no_question_and_many_do(page: Page) -> None:
    bracketed(page, True)
    paste(page, "echo few-$((1+1))\necho more-$((1+1))")
    shows(page, "echo more-$((1+1))")
    assert "few-2" not in text(page), "the shell knows it for a paste and does not run it"
    page.keyboard.press("Enter")
    shows(page, "more-2")
    paste(page, "\n".join(f"echo many-{number}" for number in range(12)))
    dialog = page.get_by_role("dialog", name="Paste this?")
    expect(dialog).to_contain_text("12 lines")
    expect(dialog).to_contain_text("… and 4 more lines")
    dialog.get_by_role("button", name="Cancel").click()


def test_what_cannot_be_seen_is_told_and_left_out(page: Page) -> None:
    bracketed(page, True)
    # Would end the bracketed paste and press Enter; the rest hides by running backwards.
    paste(page, "echo harm\x1b[201~less-$((1+1))\u202e")
    dialog = page.get_by_role("dialog", name="Paste this?")
    expect(dialog).to_contain_text("2 control or invisible characters")
    expect(dialog).to_contain_text("^[[201~less")
    dialog.get_by_role("button", name="Paste", exact=True).click()
    shows(page, "echo harm[201~less-$((1+1))")
    page.keyboard.press("Enter")
    shows(page, "harm[201~less-2")


def test_a_tab_can_be_trusted_with_lines_but_not_with_what_is_hidden(page: Page) -> None:
    bracketed(page, False)
    paste(page, "echo a-$((1+1))\necho b-$((1+1))\n")
    page.get_by_label("Do not ask again in this tab").check()
    page.get_by_role("button", name="Paste", exact=True).click()
    shows(page, "b-2")
    paste(page, "echo c-$((1+1))\necho d-$((1+1))\n")
    shows(page, "d-2")
    paste(page, "echo e\x07\n")
    page.get_by_role("dialog", name="Paste this?").get_by_role("button", name="Cancel").click()


def test_the_selection_is_copied(page: Page) -> None:
    run(page, "clear; echo take-$((1+1))-this", "take-2-this")
    page.locator(".xterm-screen").dblclick(position={"x": 30, "y": 8})
    page.keyboard.press("Control+Shift+C")
    expect(page.locator("#announcer")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "take-2-this"
    page.locator(".xterm-screen").click(button="right", position={"x": 200, "y": 100})
    menu = page.get_by_role("dialog", name="Copy and paste")
    menu.get_by_role("button", name="Paste").click()
    shows(page, "node$ take-2-this")


def test_a_program_may_fill_the_clipboard_only_when_it_is_let(page: Page) -> None:
    page.evaluate("navigator.clipboard.writeText('mine')")
    osc52 = r"printf '\e]52;c;%s\a' $(printf {} | base64); echo sent-$(({}))"
    run(page, osc52.format("theirs", "1+1"), "sent-2")
    banner = page.locator(".hn-banner")
    expect(banner).to_contain_text("“theirs”")
    assert page.evaluate("navigator.clipboard.readText()") == "mine"
    banner.get_by_role("button", name="Always allow").click()
    expect(page.locator("#announcer")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "theirs"
    page.evaluate(f"{FRONT}.terminal.focus()")
    run(page, osc52.format("again", "1+2"), "sent-3")
    expect(banner).to_have_count(0)
    run(page, r"printf '\e]52;c;?\a'; read -t 1 -n 1 -s answer; echo asked-$((1+1))-$answer.", "asked-2-.")
    assert page.evaluate("navigator.clipboard.readText()") == "again"
