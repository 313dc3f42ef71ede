"""The browser terminal: a real shell in a real Chromium, on the page and in a window of its own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AccessRule, User
from jobs import access
from jobs.models import Job
from sshgateway.models import TerminalSession
from tests.browser.conftest import SignIn
from tests.factories import ClusterFactory, JobFactory, NodeFactory
from tests.sshgateway import sshd
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

TEXT = """() => {
  const buffer = document.querySelector("headnode-terminal").terminal.buffer.active;
  return [...Array(buffer.length).keys()].map((row) => buffer.getLine(row).translateToString(true)).join("\\n");
}"""


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[sshd.Node]:
    running = sshd.start(tmp_path / "node")
    yield running
    running.stop()


@pytest.fixture
def job(alice: User, core_types: None, node: sshd.Node, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A running job of alice's whose head node is a real sshd."""
    AccessRule.objects.create(owner=alice, cidr="127.0.0.0/8")
    job = JobFactory(owner=alice, name="Wing flow", submitted=True)
    target = node.target(subject=access.subject(job), label="head of Wing flow")
    monkeypatch.setattr(access, "node_target", lambda _: target)
    NodeFactory(cluster=ClusterFactory(job=job), host_keys=[node.host_key])
    return job


@pytest.fixture
def window(sign_in: SignIn, alice: User, job: Job) -> Page:
    page = sign_in(alice)
    page.goto(f"/jobs/{job.pk}/terminal/head/")
    return page


def until(page: Page, expression: str, limit: float = 15.0) -> None:
    """Wait for a script's truth. Not `wait_for_function`: the page's own policy forbids it to evaluate strings."""
    wait_for(lambda: page.evaluate(expression), expression, limit=limit)


def connected(page: Page) -> None:
    expect(page.locator("headnode-terminal")).to_have_attribute("data-state", "open")
    until(page, f"({TEXT})().includes('node$')")


def run(page: Page, command: str, answer: str) -> None:
    page.keyboard.type(command + "\n")
    until(page, f"({TEXT})().includes({answer!r})")


def picture(page: Page, name: str) -> None:
    """Screenshots to look at, where SCREENSHOT_FOLDER names a folder."""
    if folder := os.environ.get("SCREENSHOT_FOLDER"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_typing_is_answered(window: Page, node: sshd.Node) -> None:
    connected(window)
    run(window, "echo answer-$((6*7))", "answer-42")
    status = window.locator(".hn-status")
    expect(status).to_contain_text("Connected")
    expect(status).to_contain_text("head of Wing flow")
    expect(status).to_contain_text(f"127.0.0.1:{node.port}")
    run(
        window,
        "for i in 1 2 3 4 5 6 7; do printf '\\e[3%dmcolour %d\\e[0m \\e[9%dmbright\\e[0m\\n' $i $i $i; done",
        "colour 7",
    )
    picture(window, "terminal-desktop")


def test_the_window_s_size_is_the_shell_s(window: Page) -> None:
    connected(window)
    window.set_viewport_size({"width": 700, "height": 500})
    size = "(({cols, rows}) => `${rows} ${cols}`)(document.querySelector('headnode-terminal').terminal)"
    until(window, "document.querySelector('headnode-terminal').terminal.cols < 90")
    run(window, "echo size: $(stty size)", f"size: {window.evaluate(size)}")


def test_a_flood_keeps_the_page_alive(window: Page) -> None:
    connected(window)
    window.keyboard.type("yes flood-flood-flood\n")
    until(window, "document.querySelector('headnode-terminal').session.shown > 2_000_000", limit=60)
    window.keyboard.press("Control+c")
    run(window, "echo back-$((40+2))", "back-42")


def test_a_big_paste_arrives_whole(window: Page, tmp_path: Path) -> None:
    connected(window)
    pasted = tmp_path / "pasted"
    run(window, f"stty -echo; echo on-$((1+1)); cat > {pasted}; echo end-$((1+1))", "on-2")
    window.evaluate(
        "document.querySelector('headnode-terminal').terminal.paste(('x'.repeat(99) + '\\n').repeat(5000))"
    )
    window.evaluate("document.querySelector('headnode-terminal').terminal.input('\\x04')")
    until(window, f"({TEXT})().includes('end-2')")
    assert pasted.read_bytes() == (b"x" * 99 + b"\n") * 5000


def test_the_end_is_a_sentence_and_a_new_shell_is_one_click(window: Page) -> None:
    connected(window)
    window.keyboard.type("exit 3\n")
    expect(window.get_by_role("alert")).to_contain_text("The shell ended with exit status 3.")
    picture(window, "terminal-ended")
    window.get_by_role("button", name="New shell").click()
    expect(window.locator("headnode-terminal")).to_have_attribute("data-state", "open")
    run(window, "echo again-$((1+1))", "again-2")


def test_a_dropped_line_brings_the_same_shell_back(window: Page) -> None:
    connected(window)
    run(window, "mark=kept; echo set-$((1+1))", "set-2")
    window.evaluate("document.querySelector('headnode-terminal').session.socket.close(4000)")
    expect(window.locator("headnode-terminal")).to_have_attribute("data-state", "reconnecting")
    expect(window.locator("headnode-terminal")).to_have_attribute("data-state", "open")
    run(window, "echo $mark-$((1+1))", "kept-2")
    assert window.evaluate(TEXT).count("set-2") == 1, "nothing is printed twice"


def test_an_address_in_no_rule_is_told_and_shown_the_way(sign_in: SignIn, alice: User, job: Job) -> None:
    AccessRule.objects.all().delete()
    page = sign_in(alice)
    page.goto(f"/jobs/{job.pk}/terminal/head/")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("127.0.0.1")
    expect(page.get_by_role("link", name="Open Job Settings")).to_have_attribute("href", "/settings/job/")
    picture(page, "terminal-denied")
    AccessRule.objects.create(owner=alice, cidr="127.0.0.0/8")
    page.get_by_role("button", name="Try again").click()
    connected(page)


def test_a_rule_removed_ends_the_open_shell(window: Page) -> None:
    connected(window)
    AccessRule.objects.all().delete()
    expect(window.get_by_role("alert")).to_contain_text("in no access rule")
    assert TerminalSession.objects.get().end_reason == "cidr_denied"


def test_search(window: Page) -> None:
    connected(window)
    run(window, "echo needle-$((1+1))", "needle-2")
    window.keyboard.press("Control+Shift+F")
    window.get_by_placeholder("Find").fill("needle-2")
    selected = "document.querySelector('headnode-terminal').terminal.getSelection()"
    until(window, f"{selected} === 'needle-2'")
    window.keyboard.press("Escape")
    run(window, "echo typed-$((1+1))", "typed-2")


def test_in_the_job_page_and_gone_with_its_panel(sign_in: SignIn, alice: User, job: Job) -> None:
    page = sign_in(alice)
    page.goto(f"/jobs/{job.pk}/")
    page.get_by_role("link", name=re.compile("Open terminal on head")).click()
    connected(page)
    run(page, "echo inside-$((1+1))", "inside-2")
    picture(page, "terminal-panel")
    page.locator(".terminal-panel [data-close]").click()
    expect(page.locator("headnode-terminal")).to_have_count(0)
    wait_for(
        lambda: TerminalSession.objects.get().end_reason == "closed_by_owner", "the shell ends with its panel"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(sign_in: SignIn, alice: User, job: Job, scheme: str) -> None:
    page = sign_in(
        alice, viewport={"width": 390, "height": 760}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    page.goto(f"/jobs/{job.pk}/terminal/head/")
    connected(page)
    run(page, "echo phone-$((1+1))", "phone-2")
    page.get_by_role("button", name="Up").click()
    until(page, f"({TEXT})().trimEnd().endsWith('echo phone-$((1+1))')")
    page.get_by_role("button", name="Ctrl").click()
    page.keyboard.type("c")
    until(page, f"({TEXT})().includes('^C')")
    picture(page, f"terminal-phone-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
