"""Sharing, oversight and recordings as people see them: two browsers on one real shell."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from accounts.models import AuditEvent, User
from jobs.models import Job
from sshgateway.models import Recording, RecordingRule, TerminalSession, TerminalShare
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import connected, picture, run, shows, state, text, until, write
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

REPLAY = """(() => {
  const buffer = document.querySelector("headnode-replay").terminal.buffer.active;
  return [...Array(buffer.length).keys()].map((row) => buffer.getLine(row).translateToString(true)).join("\\n");
})()"""
SIZE = "(({cols, rows}) => `${cols}x${rows}`)(document.querySelector('headnode-terminal').terminal)"


@pytest.fixture(autouse=True)
def own_storage(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def root(charlie: User) -> User:
    """charlie, an administrator here."""
    charlie.is_superuser = True
    charlie.save()
    return charlie


@pytest.fixture
def hers(sign_in: SignIn, alice: User, job: Job) -> Page:
    """alice's browser, with a shell."""
    page = sign_in(alice)
    open_shell(page, job)
    return page


def open_shell(page: Page, job: Job) -> None:
    page.goto(f"/jobs/{job.pk}/terminal/head/")
    connected(page)


def type_at(page: Page, command: str, answer: str) -> None:
    page.locator("headnode-terminal .xterm-helper-textarea").focus()
    run(page, command, answer)


def sign(page: Page, name: str) -> Locator:
    return page.locator(f'.hn-sign[data-name="{name}"]')


def share_with(page: Page, person: str, may: str = "Watch") -> None:
    sign(page, "share").click()
    dialog = page.get_by_role("dialog", name="Share this terminal")
    dialog.get_by_label("Name they sign in with").fill(person)
    dialog.get_by_text(may, exact=True).click()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_role("button", name=f"Take back from {person}")).to_be_visible()
    picture(page, f"share-dialog-{may.rsplit(maxsplit=1)[-1]}")
    dialog.get_by_role("button", name="Close").click()


def join(page: Page) -> None:
    page.goto("/terminals/")
    with page.expect_navigation():
        page.get_by_role("link", name="Join head of Wing flow of alice").click()
    connected(page)


def test_watch_then_type_then_out(hers: Page, sign_in: SignIn, bob: User, charlie: User) -> None:
    type_at(hers, "echo before-$((1+1))", "before-2")
    share_with(hers, "bob")
    his = sign_in(bob)
    join(his)
    shows(his, "before-2")
    type_at(hers, "echo live-$((1+1))", "live-2")
    shows(his, "live-2")
    expect(sign(hers, "guest:bob")).to_contain_text("bob watches")
    expect(sign(his, "owner")).to_contain_text("alice's terminal")
    expect(sign(his, "view-only")).to_have_text("View only")
    assert his.evaluate(SIZE) == hers.evaluate(SIZE)
    his.set_viewport_size({"width": 500, "height": 400})
    type_at(
        hers,
        "echo size-$(stty size | tr ' ' x)",
        "size-" + "x".join(reversed(hers.evaluate(SIZE).split("x"))),
    )

    his.locator("headnode-terminal .xterm-helper-textarea").focus()
    write(his, "touch no-$((1+1))\n")
    expect(sign(his, "view-only")).to_have_text("alice lets you watch this terminal, not type in it.")
    picture(his, "guest-view-only")
    type_at(hers, "echo nothing-$((1+1))", "nothing-2")
    assert "touch" not in text(hers)

    sign(hers, "share").click()
    hers.get_by_label("What bob may do").select_option("type")
    expect(sign(hers, "guest:bob")).to_contain_text("bob may type")
    hers.keyboard.press("Escape")
    expect(sign(his, "view-only")).to_have_count(0)
    type_at(his, "echo his-$((1+1))", "his-2")
    shows(hers, "his-2")
    picture(hers, "owner-with-guest")

    theirs = sign_in(charlie)
    session = TerminalSession.objects.get()
    answer = theirs.goto(f"/terminals/{session.pk}/")
    assert answer is not None
    assert answer.status == 404
    theirs.goto("/terminals/")
    expect(theirs.locator("main")).not_to_contain_text("Wing flow")

    sign(hers, "share").click()
    hers.get_by_role("button", name="Take back from bob").click()
    alert = his.get_by_role("alert")
    expect(alert).to_contain_text("alice does not share this terminal with you any more.")
    picture(his, "guest-out")
    expect(sign(hers, "guest:bob")).to_have_count(0)
    his.goto("/terminals/")
    expect(his.locator("main")).to_contain_text("Nothing at the moment.")


def test_a_wrong_name_is_a_sentence_in_the_dialog(hers: Page) -> None:
    sign(hers, "share").click()
    dialog = hers.get_by_role("dialog", name="Share this terminal")
    field = dialog.get_by_label("Name they sign in with")
    field.fill("nobody-here")
    field.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Nobody of this name has an account here.")
    expect(field).to_be_focused()
    assert findings(hers) == []
    assert not TerminalShare.objects.exists()


def test_an_administrator_watches_and_ends_it(hers: Page, sign_in: SignIn, root: User) -> None:
    type_at(hers, "echo work-$((1+1))", "work-2")
    page = sign_in(root)
    page.goto("/administration/terminals/")
    expect(page.locator("#live-sessions")).to_contain_text("head of Wing flow")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Watch head of Wing flow of alice").click()
    watching = opened.value
    connected(watching)
    shows(watching, "work-2")
    expect(hers.locator(".hn-banners")).to_contain_text("An administrator (charlie) is watching.")
    expect(sign(hers, "administrator:charlie")).to_contain_text("Administrator charlie watches")
    expect(page.locator("#live-sessions .chip")).to_contain_text("charlie (administrator)")
    picture(hers, "owner-watched")
    picture(page, "live-sessions")
    page.get_by_role("link", name="End head of Wing flow of alice").click()
    page.get_by_role("button", name="End the terminal").click()
    expect(page.get_by_text("Say why in one sentence")).to_be_visible()
    page.get_by_label("Why?").fill("The licence server needs the node.")
    picture(page, "end-live-session")
    page.get_by_role("button", name="End the terminal").click()
    said = "An administrator (charlie) ended this terminal: The licence server needs the node."
    expect(hers.get_by_role("alert")).to_contain_text(said)
    picture(hers, "owner-ended")
    expect(page.get_by_text("Ended the terminal of alice.")).to_be_visible()
    expect(page.locator("#live-sessions")).to_contain_text("No terminal is open.")
    hers.goto(f"/jobs/{Job.objects.get().pk}/")
    expect(hers.locator("#job-terminal-sessions")).to_contain_text(said)


def test_a_recording_replays_what_was_shown(sign_in: SignIn, alice: User, job: Job) -> None:
    RecordingRule.objects.create(mode="on")
    page = sign_in(alice)
    open_shell(page, job)
    # Typed as octal: what readline makes of other letters depends on the machine's locale.
    type_at(
        page, "printf '\\e[31mred\\e[0m gr\\303\\274n \\346\\227\\245 %s\\n' one-$((1+1))", "grün 日 one-2"
    )
    type_at(page, "seq 1 200; echo two-$((1+1))", "two-2")
    page.set_viewport_size({"width": 900, "height": 560})
    until(page, "document.querySelector('headnode-terminal').terminal.cols < 110")
    type_at(page, "echo size-$(stty size | tr ' ' x)-three-$((1+1))", "three-2")
    wait_for(lambda: text(page).rstrip().endswith("node$"), "the prompt is back")
    shown = text(page).rstrip() + " exit\nexit"
    write(page, "exit\n")
    state(page, "ended")
    wait_for(lambda: Recording.objects.filter(end_reason="complete").exists(), "the recording is closed")

    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/jobs/{job.pk}/")
    panel = page.locator("#job-terminal-sessions")
    expect(panel).to_contain_text("The shell ended.")
    panel.scroll_into_view_if_needed()
    picture(page, "job-sessions")
    panel.get_by_role("link", name="Replay").click()
    replay = page.locator("headnode-replay")
    expect(replay).to_have_attribute("data-state", "ready")
    page.keyboard.press("End")
    page.locator("[data-seek]").focus()
    page.keyboard.press("End")
    until(page, "document.querySelector('headnode-replay').player.atEnd")
    wait_for(lambda: page.evaluate(REPLAY).rstrip() == shown, "the replay shows what was shown")
    picture(page, "replay")
    assert findings(page) == []

    # Back to the beginning, forwards at 16 times the speed, and there again.
    page.keyboard.press("Home")
    until(page, "document.querySelector('headnode-replay').player.position < 1")
    wait_for(lambda: "two-2" not in page.evaluate(REPLAY), "the screen is as it was at the beginning")
    page.get_by_label("Speed").select_option("16")
    if not page.evaluate("document.querySelector('headnode-replay').player.playing"):
        page.get_by_role("button", name="Play").click()
    until(page, "document.querySelector('headnode-replay').player.atEnd")
    wait_for(lambda: page.evaluate(REPLAY).rstrip() == shown, "and again at the end")
    with page.expect_download() as download:
        page.locator("#download-cast").click()
    assert download.value.suggested_filename.endswith(".cast")
    page.set_viewport_size({"width": 360, "height": 740})
    picture(page, "replay-phone")
    assert findings(page) == []


def test_announced_is_said_and_stays_in_sight(sign_in: SignIn, alice: User, job: Job) -> None:
    RecordingRule.objects.create(mode="announced")
    page = sign_in(alice)
    open_shell(page, job)
    expect(page.locator(".hn-banners")).to_contain_text(
        "This terminal is recorded: what it prints, not what you type."
    )
    expect(sign(page, "recorded")).to_have_text("Recorded")
    picture(page, "announced")


def test_whoever_is_not_the_owner_of_the_shell_is_told_that_watching_is_written_down(
    sign_in: SignIn, alice: User, job: Job, root: User
) -> None:
    RecordingRule.objects.create(mode="on")
    page = sign_in(alice)
    open_shell(page, job)
    write(page, "exit\n")
    wait_for(lambda: Recording.objects.filter(end_reason="complete").exists(), "the recording is closed")
    recording = Recording.objects.get()
    other = sign_in(root)
    other.goto(f"/recordings/{recording.pk}/")
    expect(other.locator("main")).to_contain_text("Watching this is recorded: alice sees it")
    expect(other.locator("headnode-replay")).to_have_attribute("data-state", "ready")
    assert AuditEvent.objects.filter(action="sshgateway:recording:watched", actor_name="charlie").exists()


@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_has_a_finding(
    sign_in: SignIn, alice: User, bob: User, root: User, job: Job, width: int
) -> None:
    RecordingRule.objects.create(mode="announced")
    RecordingRule.objects.create(mode="on", core_type="emerald")
    RecordingRule.objects.create(mode="off", person=bob)
    hers = sign_in(alice, viewport={"width": width, "height": 800})
    open_shell(hers, job)
    TerminalShare.objects.create(session=TerminalSession.objects.get(), person=root)
    found = []
    sign(hers, "share").click()
    expect(hers.get_by_role("button", name="Take back from charlie")).to_be_visible()
    found += findings(hers)
    picture(hers, f"share-{width}")
    page = sign_in(root, viewport={"width": width, "height": 800})
    for path in ("/terminals/", "/administration/terminals/", "/administration/recording/"):
        page.goto(path)
        found += [f"{path} {one}" for one in findings(page)]
        picture(page, f"{path.strip('/').replace('/', '-')}-{width}")
    join(page)
    found += [f"guest {one}" for one in findings(page)]
    picture(page, f"guest-{width}")
    assert found == []
