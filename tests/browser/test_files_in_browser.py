"""The Files panel in a browser, on a folder of a real OpenSSH server: browse, read, change, and 20,000 entries."""

import os
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.states import Observed
from tests.browser.conftest import Aside, SignIn
from tests.jobs.files.conftest import Run, node, run

__all__ = ["node", "run"]  # fixtures
pytestmark = pytest.mark.browser
ROWS = "#job-files tbody tr[data-at]"


def png(width: int, height: int) -> bytes:
    """Return a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x20\x80\x60" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def opened(sign_in: SignIn, alice: User, run: Run, **options: object) -> Page:
    """Open the job's page with its files in view."""
    page = sign_in(alice, **options)
    page.goto(f"/jobs/{run.job.pk}/")
    page.locator("#job-files").scroll_into_view_if_needed()
    expect(page.locator("#job-files")).to_have_attribute("data-state", re.compile("ready|empty"))
    return page


def names(page: Page) -> list[str]:
    return page.locator(f"{ROWS} [data-name]").all_inner_texts()


def test_browse_read_and_change(portal: str, run: Run, alice: User, sign_in: SignIn, tmp_path: Path) -> None:
    shared = run.work / "shared"
    (shared / "notes.txt").write_text("".join(f"line {at}\n" for at in range(1, 200_001)))
    (shared / "small.sh").write_text("echo one\r\n")
    (shared / "table.csv").write_text('a,b\n1,"x, y"\n')
    (shared / "picture.png").write_bytes(png(40, 30))
    (shared / "evil.html").write_text("<script>document.title='ran'</script>")
    page = opened(sign_in, alice, run)
    panel = page.locator("#job-files")
    expect(panel.locator("[data-place-text]")).to_have_text("On the node")
    assert names(page) == ["shared", "process_output.log"]
    panel.get_by_role("button", name="shared", exact=True).click()
    expect(panel.get_by_role("button", name="notes.txt", exact=True)).to_be_visible()

    panel.get_by_role("button", name="notes.txt", exact=True).click()
    preview = page.locator("#file-preview")
    expect(preview.locator(".file-lines span").first).to_have_text("line 1")
    expect(preview.locator(".file-lines span[data-line='1']")).to_have_text("line 1")
    expect(preview.locator(".file-lines").last.locator("span").last).to_have_text("line 200000")
    expect(preview.locator(".file-lines").last.locator("span").last).to_have_attribute("data-line", "-1")
    preview.get_by_role("button", name="Close").click()

    panel.get_by_role("button", name="table.csv", exact=True).click()
    expect(preview.locator("tbody td").nth(1)).to_have_text("x, y")
    preview.get_by_role("button", name="Close").click()
    panel.get_by_role("button", name="picture.png", exact=True).click()
    expect(preview.locator("[data-note]")).to_contain_text("40 × 30")
    preview.get_by_role("button", name="Close").click()
    panel.get_by_role("button", name="evil.html", exact=True).click()
    expect(preview.locator(".file-lines")).to_contain_text("<script>")
    assert page.title() != "ran"
    preview.get_by_role("button", name="Close").click()

    panel.get_by_role("button", name="small.sh", exact=True).click()
    preview.get_by_role("button", name="Edit").click()
    preview.locator("textarea").fill("echo two\n")
    preview.get_by_role("button", name="Save").click()
    expect(preview.locator("[data-note]")).to_have_text("Saved.")
    assert (shared / "small.sh").read_bytes() == b"echo two\r\n"
    (shared / "small.sh").write_text("changed by the run")
    preview.locator("textarea").fill("echo three\n")
    preview.get_by_role("button", name="Save").click()
    expect(preview.locator("[data-note]")).to_contain_text("changed meanwhile")
    assert (shared / "small.sh").read_text() == "changed by the run"
    preview.get_by_role("button", name="Close").click()
    expect(preview.locator("[data-note]")).to_contain_text("not saved")
    preview.get_by_role("button", name="Close").click()
    expect(preview).to_be_hidden()

    panel.get_by_role("button", name="New folder").click()
    page.locator("#file-name-field").fill("made %41")
    page.locator("#file-name").get_by_role("button", name="Save").click()
    expect(panel.get_by_role("button", name="made %41", exact=True)).to_be_visible()
    assert (shared / "made %41").is_dir()

    sent = tmp_path / "sent.dat"
    sent.write_bytes(os.urandom(300_000))
    panel.locator("[data-upload-files]").set_input_files(sent)
    expect(panel.get_by_role("button", name="sent.dat", exact=True)).to_be_visible()
    assert (shared / "sent.dat").read_bytes() == sent.read_bytes()
    panel.locator("[data-upload-files]").set_input_files(sent)
    expect(panel.locator("[data-uploads]")).to_contain_text("already a file")
    panel.locator("[data-uploads]").get_by_role("button", name="Replace").click()
    expect(panel.locator("[data-uploads]")).to_be_hidden()

    row = panel.locator("tr", has=page.get_by_role("button", name="sent.dat", exact=True))
    row.get_by_role("button", name="Rename").click()
    page.locator("#file-name-field").fill("renamed.dat")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("button", name="renamed.dat", exact=True)).to_be_visible()

    for name in ("renamed.dat", "table.csv"):
        panel.get_by_role("checkbox", name=name).check()
    expect(panel.locator("[data-chosen]")).to_have_text("2 selected")
    with page.expect_download() as download:
        panel.get_by_role("button", name="Download as zip").click()
    download.value.save_as(tmp_path / "two.zip")
    listed = subprocess.run(["unzip", "-Z1", tmp_path / "two.zip"], capture_output=True, text=True)
    assert sorted(listed.stdout.split()) == ["renamed.dat", "table.csv"]
    panel.locator("[data-selection]").get_by_role("button", name="Delete").click()
    page.locator("#file-delete").get_by_role("button", name="Delete").click()
    expect(panel.get_by_role("button", name="table.csv", exact=True)).to_have_count(0)
    assert not (shared / "table.csv").exists()
    panel.get_by_role("button", name="Top folder").click()
    expect(panel.get_by_role("button", name="process_output.log", exact=True)).to_be_visible()


def test_dropped_files_and_folders_arrive(portal: str, run: Run, alice: User, sign_in: SignIn) -> None:
    page = opened(sign_in, alice, run)
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["dropped"], "dropped.txt"));
            const panel = document.getElementById("job-files");
            for (const kind of ["dragenter", "dragover", "drop"]) {
                panel.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
            }
        }"""
    )
    expect(page.locator("#job-files").get_by_role("button", name="dropped.txt", exact=True)).to_be_visible()
    assert (run.work / "dropped.txt").read_text() == "dropped"


def test_20000_entries_are_quick(portal: str, run: Run, alice: User, sign_in: SignIn) -> None:
    many = run.work / "many"
    many.mkdir()
    for at in range(20_050):
        (many / f"file {at:05}").touch()
    page = opened(sign_in, alice, run)
    panel = page.locator("#job-files")
    panel.get_by_role("button", name="many", exact=True).click()
    expect(panel.locator("[data-more]")).to_be_visible()
    expect(panel.locator("table")).to_have_attribute("aria-rowcount", "20001")
    assert page.locator(ROWS).count() < 100
    last = page.locator(f"{ROWS} [data-name]").first.inner_text()
    panel.locator("[data-file-filter]").fill(last)
    expect(page.locator(ROWS)).to_have_count(1)
    panel.locator("[data-file-filter]").fill("")
    panel.locator("[data-sort=name]").click()  # backwards: what was first is last
    page.locator(f"{ROWS} [data-act=open]").first.focus()
    page.keyboard.press("End")
    expect(page.locator(f"{ROWS} [data-act=open]:focus")).to_have_text(last)
    # Rows that are not drawn take the room that they would take, so that the bar of the view tells the truth.
    height = page.evaluate("document.querySelector('[data-file-scroll]').scrollHeight")
    assert 20_000 <= height / page.evaluate("document.querySelector('[data-at]').offsetHeight") < 20_003
    frames = page.evaluate(
        """async () => {
            const view = document.querySelector("[data-file-scroll]");
            const slow = [];
            for (let at = 0; at < 40; at += 1) {
                const before = performance.now();
                view.scrollTop = at * 15000;
                view.dispatchEvent(new Event("scroll"));
                view.offsetHeight;
                slow.push(performance.now() - before);
            }
            return slow.sort((a, b) => a - b)[20];
        }"""
    )
    assert frames < 100, f"a scroll took {frames} ms to draw"


def test_an_open_page_that_nobody_uses_does_not_look_at_the_node(
    portal: str, run: Run, alice: User, sign_in: SignIn
) -> None:
    """Each look counts as use of the cluster: a page that is left open would keep it for ever."""
    page = sign_in(alice)
    page.clock.install()
    looks: list[str] = []
    page.on("request", lambda request: looks.append(request.url) if "/tree/?" in request.url else None)
    page.goto(f"/jobs/{run.job.pk}/")
    panel = page.locator("#job-files")
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_role("button", name="shared", exact=True)).to_be_visible()
    page.clock.run_for(35_000)
    assert len(looks) > 1, "it follows the folder while somebody is there"
    page.clock.run_for(40_000)
    seen = len(looks)
    for _ in range(5):
        page.evaluate("document.dispatchEvent(new Event('headnode:job-state'))")
        page.clock.run_for(60_000)
    assert len(looks) == seen
    expect(panel.locator("[data-rests]")).to_be_visible()
    (run.work / "arrived").touch()
    page.keyboard.press("Shift")
    expect(panel.get_by_role("button", name="arrived", exact=True)).to_be_visible()
    expect(panel.locator("[data-rests]")).to_be_hidden()


def test_before_and_after_the_run_nothing_can_be_changed(
    portal: str, run: Run, alice: User, sign_in: SignIn, aside: Aside
) -> None:
    aside(run.store, b"shared/result.txt", b"42")
    aside(run.move_to, Observed.RELEASED)
    page = opened(sign_in, alice, run)
    panel = page.locator("#job-files")
    expect(panel.locator("[data-place-text]")).to_have_text("Stored")
    panel.get_by_role("button", name="shared", exact=True).click()
    panel.get_by_role("button", name="result.txt", exact=True).click()
    expect(page.locator("#file-preview .file-lines")).to_have_text("42")
    expect(page.locator("#file-preview").get_by_role("button", name="Edit")).to_be_hidden()
    page.keyboard.press("Escape")
    for name in ("Upload", "New folder", "Rename", "Delete"):
        expect(panel.get_by_role("button", name=name, exact=True)).to_have_count(0)
    aside(run.move_to, Observed.BOOTING)
    page.reload()
    panel.scroll_into_view_if_needed()
    expect(panel).to_contain_text("This job has no input files.")


def test_an_error_is_a_sentence_and_can_be_tried_again(
    portal: str, run: Run, alice: User, sign_in: SignIn
) -> None:
    page = sign_in(alice)
    page.route(
        "**/tree/?*",
        lambda route: route.fulfill(status=503, json={"detail": "The node is away.", "reason": "x"}),
    )
    page.goto(f"/jobs/{run.job.pk}/")
    panel = page.locator("#job-files")
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_role("alert")).to_contain_text("The node is away.")
    page.unroute("**/tree/?*")
    panel.get_by_role("button", name="Try again").click()
    expect(panel.get_by_role("button", name="shared", exact=True)).to_be_visible()
    expect(panel.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_page(
    portal: str, run: Run, alice: User, sign_in: SignIn, theme: str
) -> None:
    (run.work / ("long name " * 20)).write_text("x")
    page = opened(sign_in, alice, run, viewport={"width": 390, "height": 844}, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#job-files").get_by_role("checkbox", name="process_output.log").check()
    expect(page.locator("[data-selection]").get_by_role("button", name="Rename")).to_be_visible()
