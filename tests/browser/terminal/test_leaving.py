"""Closing a window in which a program runs asks first; without one, or on the way to another page here, it does not."""

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from sshgateway.models import TerminalSession
from tests.browser.terminal.screen import FRONT, connected, run, state, until, write
from tests.waiting import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def questions(window: Page) -> list[str]:
    """The kinds of the browser's questions; each is answered with no."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    window.on("dialog", answer)
    connected(window)
    until(window, f"{FRONT}.terminal.modes.bracketedPasteMode")
    return asked


def close(page: Page) -> None:
    page.close(run_before_unload=True)


def asked(page: Page, questions: list[str]) -> None:
    """Wait for the browser's question. It was answered with no, so the page is still there."""
    close(page)
    wait_for(lambda: page.evaluate("1") and questions, "the browser asks")
    assert questions == ["beforeunload"]
    assert not page.is_closed()
    questions.clear()


def closed(page: Page, questions: list[str]) -> None:
    with page.expect_event("close"):
        close(page)
    assert questions == []


def test_a_command_that_runs(window: Page, questions: list[str]) -> None:
    write(window, "echo started-$((1+1)); sleep 300\n")
    until(window, f"!{FRONT}.terminal.modes.bracketedPasteMode")
    asked(window, questions)
    window.locator(".xterm-screen").click()
    window.keyboard.press("Control+c")
    until(window, f"{FRONT}.terminal.modes.bracketedPasteMode")
    closed(window, questions)
    assert TerminalSession.objects.get().ended_at is None, "the shell waits"


def test_a_full_screen_program(window: Page, questions: list[str]) -> None:
    write(window, r"printf '\e[?1049h\e[?2004h'; cat" + "\n")
    until(window, f"{FRONT}.terminal.buffer.active.type === 'alternate'")
    asked(window, questions)


def test_a_command_that_ended(window: Page, questions: list[str]) -> None:
    run(window, "echo done-$((1+1))", "done-2")
    until(window, f"{FRONT}.terminal.modes.bracketedPasteMode")
    closed(window, questions)


def test_a_shell_that_ended(window: Page, questions: list[str]) -> None:
    write(window, r"printf '\e[?1049h'; exit" + "\n")
    state(window, "ended")
    closed(window, questions)


def test_another_page_of_the_portal(window: Page, questions: list[str]) -> None:
    write(window, "sleep 300\n")
    until(window, f"!{FRONT}.terminal.modes.bracketedPasteMode")
    address = window.url
    window.locator("[data-home]").click()
    expect(window).not_to_have_url(address)
    assert questions == []


def test_a_program_is_known_to_run_by_a_page_that_comes_back_to_it(
    window: Page, questions: list[str]
) -> None:
    write(window, "echo started-$((1+1)); sleep 300\n")
    until(window, f"!{FRONT}.terminal.modes.bracketedPasteMode")
    window.locator("[data-home]").click()
    expect(window).not_to_have_url(re.compile("/terminal/"))
    window.go_back()
    expect(window.locator("headnode-terminal")).to_have_attribute("data-state", "open")
    until(window, f"{FRONT}.foreground.showsPrompts && !{FRONT}.terminal.modes.bracketedPasteMode")
    window.keyboard.press("Shift")
    window.locator(".xterm-screen").click()
    asked(window, questions)
