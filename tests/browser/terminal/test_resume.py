"""The same shell after a reload, after the line was cut, and in a second browser: not one byte lost, none twice."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AccessRule, User
from sshgateway.models import TerminalSession
from sshgateway.sessions.session_actions import end_session
from tests.browser.conftest import Aside, SignIn
from tests.browser.terminal.line import Line
from tests.browser.terminal.screen import FRONT, connected, run, shows, state, text, until, write

pytestmark = pytest.mark.browser

PACE = [1, 2, 4, 8, 15]
NUMBERED = re.compile(r"^line-(\d+)$", re.MULTILINE)


def numbered(lines: int, every: int, seconds: float) -> str:
    """A command that prints numbered lines, with a pause after every so many of them."""
    pause = f"[ $((i%{every})) = 0 ] && sleep {seconds}"
    return f"for ((i=1; i<={lines}; i++)); do echo line-$i; {pause}; done; echo all-$((1+1))"


def is_whole(page: Page, lines: int, limit: float = 60.0) -> None:
    """Wait for the end of the numbered lines; each is there, once, in order."""
    shows(page, "all-2", limit)
    seen = [int(number) for number in NUMBERED.findall(text(page))]
    assert seen == list(range(1, lines + 1))


@pytest.fixture
def line(portal: str) -> Iterator[Line]:
    """Where the browser of these tests finds the portal."""
    there = urlsplit(portal)
    made = Line((str(there.hostname), int(there.port or 0)))
    yield made
    made.close()


@pytest.fixture
def on_the_line(sign_in: SignIn, alice: User, line: Line, address: str) -> Page:
    page = sign_in(alice, f"http://127.0.0.1:{line.port}")
    page.goto(address)
    connected(page)
    return page


def test_a_reload_in_the_middle_of_output(window: Page) -> None:
    connected(window)
    write(window, "mark=kept; " + numbered(3000, 50, 0.03) + "\n")
    shows(window, "line-400\n")
    assert "all-2" not in text(window)
    window.reload()
    is_whole(window, 3000)
    run(window, "echo $mark-$((1+1))", "kept-2")
    assert TerminalSession.objects.count() == 1


def test_questions_that_were_answered_are_not_answered_again(window: Page) -> None:
    connected(window)
    # Where is the cursor? What are you? The terminal answers as if it typed; `read` takes the answer.
    ask = r"printf '\e[6n\e[c'; IFS= read -rsd c answer; echo asked-$((1+1))-${#answer}"
    run(window, ask, "asked-2-")
    assert "asked-2-0" not in text(window)
    window.reload()
    connected(window)
    run(window, "echo quiet-$((1+1))", "\nquiet-2\n")
    shows(window, "node$ echo quiet-$((1+1))\nquiet-2\nnode$ \n")  # nothing was typed by itself
    run(window, ask.replace("1+1", "2+1"), "asked-3-")
    assert "asked-3-0" not in text(window)


def test_a_cut_in_the_middle_of_output(on_the_line: Page, line: Line) -> None:
    connected(on_the_line)
    write(on_the_line, "mark=kept; " + numbered(3000, 50, 0.03) + "\n")
    shows(on_the_line, "line-400\n")
    line.cut()
    state(on_the_line, "reconnecting")
    expect(on_the_line.get_by_role("alert")).to_contain_text("The connection was lost. The shell continues")
    expect(on_the_line.locator("[data-countdown]")).to_have_text(re.compile(r"in \d s|now"))
    expect(on_the_line.get_by_role("tab", name="head (reconnecting)")).to_be_visible()
    line.mend()
    on_the_line.get_by_role("button", name="Reconnect now").click()
    is_whole(on_the_line, 3000)
    on_the_line.evaluate(f"{FRONT}.terminal.focus()")
    run(on_the_line, "echo $mark-$((1+1))", "kept-2")


def test_a_cut_of_thirty_seconds(on_the_line: Page, line: Line) -> None:
    """By itself, at the pace the page promises; its own clock says when."""
    on_the_line.clock.install()
    write(on_the_line, numbered(1400, 10, 0.05) + "\n")
    shows(on_the_line, "line-20\n")
    on_the_line.evaluate("window.waits = []")
    on_the_line.evaluate(
        f"""{FRONT}.session.addEventListener("state", (event) => {{
          const {{ socket, retryAt, state }} = event.target;
          if (state === "reconnecting" && !socket) window.waits.push(Math.round((retryAt - Date.now()) / 1000));
        }})"""
    )
    line.cut()
    for tries, seconds in enumerate(PACE):
        until(on_the_line, f"window.waits.length === {tries + 1}")
        if seconds == PACE[-1]:
            line.mend()
        on_the_line.clock.fast_forward(seconds * 1000)
    state(on_the_line, "open")
    assert on_the_line.evaluate("window.waits") == PACE
    is_whole(on_the_line, 1400)


def test_a_network_that_is_back_is_used_at_once(on_the_line: Page, line: Line) -> None:
    connected(on_the_line)
    line.cut()
    state(on_the_line, "reconnecting")
    on_the_line.evaluate(f"{FRONT}.session.attempts = 4")
    on_the_line.get_by_role("button", name="Reconnect now").click()  # fails, and the next try is far away
    expect(on_the_line.locator("[data-countdown]")).to_have_text(re.compile(r"in 1\d s"))
    line.mend()
    on_the_line.evaluate("window.dispatchEvent(new Event('online'))")
    state(on_the_line, "open")


def test_a_line_that_fell_silent_is_found_out_when_somebody_looks(window: Page) -> None:
    connected(window)
    # A router that forgot the connection: what is sent goes nowhere, and nothing says so.
    window.evaluate(f"{FRONT}.session.socket.send = () => {{}}")
    window.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    state(window, "reconnecting")
    state(window, "open")


def test_a_second_browser_joins_the_same_shell(
    sign_in: SignIn, alice: User, window: Page, address: str
) -> None:
    connected(window)
    run(window, "mark=shared; echo set-$((1+1))", "set-2")
    other = sign_in(alice)
    other.goto(address)
    connected(other)
    banner = other.locator(".hn-banner").filter(has_text="A shell of yours is still open on head")
    banner.get_by_role("button", name="Continue here").click()
    shows(other, "set-2")
    expect(other.get_by_role("tab")).to_have_count(1)
    run(other, "echo $mark-from-other-$((1+1))", "shared-from-other-2")
    shows(window, "shared-from-other-2")
    run(window, "echo $mark-from-first-$((1+1))", "shared-from-first-2")
    shows(other, "shared-from-first-2")
    assert window.evaluate(f"{FRONT}.session.id") == other.evaluate(f"{FRONT}.session.id")
    # A program asks where the cursor is, once: two windows show it, one answers.
    asks = (
        "IFS= read -rs -d R -p $'\\e[6n' one; IFS= read -rs -t 1 -d R two; echo one-${one:+1}-two-${two:+1}."
    )
    for page in (other, window):
        page.evaluate(f"{FRONT}.terminal.clear()")
        run(page, asks, "one-1-two-.")


def test_nobody_is_offered_another_person_s_shell(
    sign_in: SignIn, charlie: User, window: Page, address: str
) -> None:
    connected(window)
    answer = window.request.get("/api/v2/terminal-sessions/?open=true").json()
    assert len(answer["results"]) == 1
    page = sign_in(charlie)
    page.goto("/")
    assert page.request.get("/api/v2/terminal-sessions/?open=true").json()["results"] == []
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 404


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("server_stopping", "The portal was restarted"),
        ("gateway_lost", "The portal process that held this shell"),
    ],
)
def test_a_gateway_that_goes_says_so_and_a_new_shell_is_offered(
    window: Page, aside: Aside, reason: str, sentence: str
) -> None:
    connected(window)
    aside(end_session, TerminalSession.objects.get(), reason)
    expect(window.get_by_role("alert")).to_contain_text(sentence)
    window.get_by_role("button", name="Open a new shell").click()
    connected(window)


def test_a_socket_that_was_shown_out_comes_back_to_the_same_shell(window: Page) -> None:
    connected(window)
    run(window, "mark=kept; echo set-$((1+1))", "set-2")
    window.evaluate(f"{FRONT}.session.socket.send(new Uint8Array([0x7f]))")  # no frame: this socket has to go
    state(window, "refused")
    window.get_by_role("button", name="Try again").click()
    state(window, "open")
    window.evaluate(f"{FRONT}.terminal.focus()")
    run(window, "echo $mark-$((1+1))", "kept-2")


def test_a_rule_removed_ends_the_open_shell(window: Page) -> None:
    connected(window)
    AccessRule.objects.all().delete()
    expect(window.get_by_role("alert")).to_contain_text("in no access rule")
    expect(window.get_by_role("link", name="Open Job Settings")).to_have_attribute("href", "/settings/job/")
    assert TerminalSession.objects.get().end_reason == "cidr_denied"


def test_an_address_in_no_rule_is_told_and_shown_the_way(sign_in: SignIn, alice: User, address: str) -> None:
    AccessRule.objects.all().delete()
    page = sign_in(alice)
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("127.0.0.1")
    expect(page.get_by_role("link", name="Open Job Settings")).to_have_attribute("href", "/settings/job/")
    AccessRule.objects.create(owner=alice, cidr="127.0.0.0/8")
    page.get_by_role("button", name="Try again").click()
    connected(page)
