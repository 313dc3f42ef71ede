"""Input files of the New job form: dropped, chosen, paused, continued after a cut and a reload, chosen again."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.models import Job, StoredFile, Upload
from tests.browser.conftest import SignIn
from tests.factories import StoredFileFactory
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
MEGABYTE = 1024 * 1024


@pytest.fixture
def page(sign_in: SignIn, alice: User) -> Page:
    found = sign_in(alice)
    found.goto("/jobs/new/")
    return found


def sha512(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha512").hexdigest()


def large(path: Path, megabytes: int) -> Path:
    """Write a file that does not repeat."""
    with path.open("wb") as content:
        for _ in range(megabytes):
            content.write(os.urandom(MEGABYTE))
    return path


def test_a_job_begins_with_what_was_chosen(page: Page, alice: User, tmp_path: Path) -> None:
    earlier = StoredFileFactory.create(owner=alice, name="earlier.dat")
    StoredFileFactory.create(owner=alice, name="other.dat")
    (tmp_path / "wing & tail.dat").write_bytes(b"mesh")
    page.locator("[data-files]").set_input_files(tmp_path / "wing & tail.dat")
    rows = page.locator("[data-rows] > li")
    expect(rows).to_contain_text(["wing & tail.dat"])
    expect(rows.first).to_contain_text("Arrived")
    expect(page.locator("[data-quota]")).to_contain_text("100 GB used")

    page.get_by_role("button", name="Earlier files").click()
    page.get_by_label("Search").fill("earl")
    expect(page.locator("[data-found] > li")).to_have_count(1)
    page.get_by_label(re.compile("earlier.dat")).check()
    page.get_by_role("button", name="Use the chosen files").click()
    expect(rows).to_have_count(2)

    page.reload()
    expect(rows).to_have_count(2)
    page.get_by_label("Name", exact=True).fill("Wing")
    page.get_by_label("Command").fill("hostname")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Wing")).to_be_visible()
    names = {wanted.file.name for wanted in Job.objects.get().inputs.all()}
    assert names == {"wing & tail.dat", earlier.name}


def test_an_input_can_be_removed_by_keyboard(page: Page, tmp_path: Path) -> None:
    for name in ("a.dat", "b.dat"):
        (tmp_path / name).write_bytes(b"x")
    page.locator("[data-files]").set_input_files([tmp_path / "a.dat", tmp_path / "b.dat"])
    rows = page.locator("[data-rows] > li")
    expect(rows.filter(has_text="Arrived")).to_have_count(2)
    page.get_by_role("button", name="Remove a.dat").press("Enter")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("button", name="Remove b.dat")).to_be_focused()
    wait_for(lambda: len(page.locator("input[name=inputs]").input_value()) == 6, "one id is left")


def test_a_large_file_over_a_line_that_is_cut_and_a_page_that_is_reloaded(
    page: Page, alice: User, tmp_path: Path
) -> None:
    path = large(tmp_path / "case.dat", 300)
    line = _Line(page, 8 * MEGABYTE)
    page.locator("[data-files]").set_input_files(path)
    row = page.locator("[data-rows] > li")
    for _ in range(2):
        before = _received()
        wait_for(lambda: _received() > before, "some of it has arrived")  # noqa: B023  # called at once
        line.set(is_cut=True)
        held = wait_for(lambda: Upload.objects.get().received, "what has arrived is kept")
        assert held < 300 * MEGABYTE
        line.set(is_cut=False)
    before = _received()
    wait_for(lambda: _received() > before, "it goes on")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("[data-broken-off]")).to_contain_text("Choose the file again to continue")
    page.locator("[data-files]").set_input_files(path)
    expect(row).to_contain_text("Arrived")
    assert Upload.objects.count() == 1
    assert StoredFile.objects.get(owner=alice).sha512 == sha512(path)


def _received() -> int:
    return sum(Upload.objects.values_list("received", flat=True))


class _Line:
    """The line of a page: slow, and cut on demand."""

    def __init__(self, page: Page, per_second: int) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self._per_second = per_second
        self.set(is_cut=False)

    def set(self, *, is_cut: bool) -> None:
        limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": self._per_second}
        self._session.send("Network.emulateNetworkConditions", {"offline": is_cut, **limits})


def test_a_pause_holds_and_the_job_waits(page: Page, tmp_path: Path) -> None:
    path = large(tmp_path / "case.dat", 60)
    _Line(page, 10 * MEGABYTE)
    page.locator("[data-files]").set_input_files(path)
    wait_for(lambda: _received() > 0, "some of it has arrived")
    page.get_by_role("button", name="Pause case.dat").click()
    expect(page.locator("[data-rows] > li")).to_contain_text("Paused")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Some files have not arrived yet")).to_be_visible()
    assert not Job.objects.exists()
    page.get_by_role("button", name="Continue case.dat").click()
    expect(page.locator("[data-total-text]")).to_contain_text("left")
    expect(page.locator("[data-rows] > li")).to_contain_text("Arrived")
    assert StoredFile.objects.get().sha512 == sha512(path)


def test_a_folder_of_2000_files(page: Page, alice: User, tmp_path: Path) -> None:
    for n in range(2000):
        path = tmp_path / "case" / str(n % 20) / f"field{n}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content {n}\n")
    page.locator("[data-folder]").set_input_files(tmp_path / "case")
    row = page.locator("[data-rows] > li")
    expect(row).to_contain_text("2,000 files")
    expect(row).to_contain_text("Arrived", timeout=240_000)
    stored = dict(StoredFile.objects.filter(owner=alice).values_list("relative_path", "sha512"))
    assert len(stored) == 2000
    assert stored["case/7/field1987"] == hashlib.sha512(b"content 1987\n").hexdigest()
    page.get_by_label("Name", exact=True).fill("Folder")
    page.get_by_label("Command").fill("ls")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Folder")).to_be_visible()
    assert Job.objects.get().inputs.count() == 2000


def test_a_refusal_is_shown_with_its_file(page: Page, settings: object, tmp_path: Path) -> None:
    settings.HEADNODE_UPLOAD_QUOTA_MB = 1  # type: ignore[attr-defined]  # pytest-django's
    path = large(tmp_path / "case.dat", 2)
    page.locator("[data-files]").set_input_files(path)
    row = page.locator("[data-rows] > li")
    expect(row).to_contain_text("Your uploaded files may hold 1 MB together")
    settings.HEADNODE_UPLOAD_QUOTA_MB = 10  # type: ignore[attr-defined]  # pytest-django's
    page.get_by_role("button", name="Try again case.dat").click()
    expect(row).to_contain_text("Arrived")
