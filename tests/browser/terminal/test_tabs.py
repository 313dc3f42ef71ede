"""Several shells: tabs, nodes, windows of their own, and the panel on the job page."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.models import Job, Node
from sshgateway.models import TerminalSession
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, run, shows, state, text, write
from tests.waiting import wait_for

pytestmark = pytest.mark.browser


def new_shell(page: Page, node: str) -> None:
    page.get_by_role("button", name="New shell", exact=True).click()
    page.get_by_role("dialog", name="New shell").get_by_role("button", name=node, exact=True).click()


def test_a_tab_for_each_shell_and_keys_to_move_between_them(window: Page, compute_node: Node) -> None:
    connected(window)
    run(window, "mark=first; echo set-$((1+1))", "set-2")
    new_shell(window, "compute-1")
    connected(window)
    expect(window.locator(".hn-status:visible")).to_contain_text("compute-1 of Wing flow")
    window.keyboard.press("Alt+Shift+Insert")
    expect(window.get_by_role("tab")).to_have_text(
        [re.compile("^head"), re.compile("^compute-1"), re.compile("^compute-1 2")]
    )
    connected(window)
    window.keyboard.press("Alt+Shift+PageDown")
    run(window, "echo $mark-$((1+1))", "first-2")
    window.keyboard.press("Alt+Shift+PageUp")
    run(window, "echo $mark-$((2+1))", "\n-3")
    # Out of the terminal by keyboard, along the tabs, and back in.
    window.keyboard.press("Alt+Shift+Home")
    expect(window.get_by_role("tab", name="compute-1 2")).to_be_focused()
    window.keyboard.press("ArrowRight")
    expect(window.get_by_role("tab", name="head")).to_be_focused()
    window.keyboard.press("ArrowDown")
    run(window, "echo $mark-$((3+1))", "first-4")
    nodes = {session.node for session in TerminalSession.objects.filter(ended_at=None)}
    assert nodes == {"head", "compute-1"}


def test_a_shell_that_was_just_used_is_not_closed_without_a_question(window: Page) -> None:
    connected(window)
    window.keyboard.press("Alt+Shift+Insert")
    connected(window)
    window.keyboard.press("Alt+Shift+Delete")  # nobody typed in it
    expect(window.get_by_role("tab")).to_have_count(1)
    run(window, "echo busy-$((1+1))", "busy-2")
    window.get_by_role("button", name="Terminal menu").click()
    window.get_by_role("button", name="Close this shell").click()
    dialog = window.get_by_role("dialog", name="Close head?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    run(window, "echo still-$((1+1))", "still-2")
    window.get_by_role("tab", name="head").locator("[data-close]").click()
    dialog.get_by_role("button", name="Close the shell").click()
    expect(window.get_by_text("No shell is open here.")).to_be_visible()
    wait_for(lambda: not TerminalSession.objects.filter(ended_at=None).exists(), "both shells have ended")
    assert {row.end_reason for row in TerminalSession.objects.all()} == {"closed_by_owner"}
    window.get_by_role("button", name="Open a new shell").click()
    connected(window)


def test_names_tabs_and_shells_outlive_a_reload(window: Page, compute_node: Node) -> None:
    connected(window)
    run(window, "mark=kept; echo set-$((1+1))", "set-2")
    window.get_by_role("tab", name="head").dblclick()
    window.get_by_role("textbox", name="Name of this shell").fill("build")
    window.keyboard.press("Enter")
    new_shell(window, "compute-1")
    connected(window)
    window.reload()
    expect(window.get_by_role("tab")).to_have_text([re.compile("^build"), re.compile("^compute-1")])
    expect(window.get_by_role("tab", name="compute-1")).to_have_attribute("aria-selected", "true")
    connected(window)
    window.get_by_role("tab", name="build").click()
    run(window, "echo $mark-$((1+1))", "kept-2")
    assert TerminalSession.objects.count() == 2


def test_a_shell_moves_to_a_window_of_its_own_with_all_it_shows(window: Page) -> None:
    connected(window)
    window.keyboard.press("Alt+Shift+Insert")
    connected(window)
    # More than the portal keeps (256 KiB): the lines come along from this window.
    line = "row-%04d-" + "." * 60
    run(
        window,
        f"mark=moved; for ((i=1; i<=6000; i++)); do printf '{line}\\n' $i; done; echo all-$((1+1))",
        "all-2",
        60,
    )
    session = window.evaluate(f"{FRONT}.session.id")
    with window.context.expect_page() as opened:
        window.get_by_role("button", name="Move to its own window").click()
    other = opened.value
    state(other, "open")
    expect(window.get_by_role("tab")).to_have_count(1)
    shows(other, "all-2")
    rows = re.findall(r"^row-(\d{4})-\.{60}$", text(other), re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 6001))
    other.evaluate(f"{FRONT}.terminal.focus()")
    run(other, "echo $mark-$((1+1))", "moved-2")
    assert other.evaluate(f"{FRONT}.session.id") == session
    assert "session=" not in other.url


def test_a_full_screen_program_moves_as_it_is(window: Page) -> None:
    connected(window)
    write(window, "TERM=xterm less +F /etc/services\n")
    shows(window, "Waiting for data")
    with window.context.expect_page() as opened:
        window.get_by_role("button", name="Move to its own window").click()
    other = opened.value
    state(other, "open")
    shows(other, "Waiting for data")
    assert other.evaluate(f"{FRONT}.terminal.buffer.active.type") == "alternate"
    other.evaluate(f"{FRONT}.terminal.focus()")
    other.keyboard.press("Control+c")
    write(other, "q")
    run(other, "echo left-$((1+1))", "left-2")


def test_in_the_job_page_and_gone_with_its_panel(
    sign_in: SignIn, alice: User, job: Job, compute_node: Node
) -> None:
    page = sign_in(alice)
    page.goto(f"/jobs/{job.pk}/")
    page.get_by_role("link", name="Open terminal on head").click()
    connected(page)
    run(page, "mark=kept; echo inside-$((1+1))", "inside-2")
    page.get_by_role("link", name="Open terminal on compute-1").click()
    expect(page.get_by_role("tab")).to_have_count(2)
    connected(page)
    page.reload()
    expect(page.get_by_role("tab")).to_have_count(2)
    page.get_by_role("tab", name="head").click()
    run(page, "echo $mark-$((1+1))", "kept-2")
    page.get_by_role("button", name="Close all terminals").click()
    page.get_by_role("button", name="Close the shell").click()
    expect(page.locator("headnode-terminals")).to_have_count(0)
    wait_for(
        lambda: not TerminalSession.objects.filter(ended_at=None).exists(), "the shells end with their panel"
    )
    page.reload()
    expect(page.get_by_role("link", name="Open terminal on head")).to_be_visible()
    expect(page.locator("headnode-terminals")).to_have_count(0)
