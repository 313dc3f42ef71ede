"""Launching a cluster in a browser: checked as one writes, the line of a problem found, a sample, a dropped file."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.models import Cluster, Job
from tests.browser.conftest import SignIn
from tests.jobs.definitions.catalogue import HEAD

pytestmark = pytest.mark.browser
MIXED = HEAD + '\n[[members]]\nprefix = "compute"\ncount = 3\ncore_type = "quartz"\ncores = 2\n'
DROP = """([zone, name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name, { type: "text/plain" }));
  for (const type of ["dragover", "drop"])
    document
      .querySelector(zone)
      .dispatchEvent(new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def page(sign_in: SignIn, alice: User) -> Page:
    found = sign_in(alice)
    found.goto("/clusters/")
    found.get_by_role("link", name="Launch a cluster").first.click()
    expect(found.locator(".editor-gutter span")).not_to_have_count(0)  # the page's script runs
    return found


def test_written_checked_corrected_and_launched(page: Page) -> None:
    area, result = page.get_by_label("Definition, in TOML"), page.locator("#definition-result")
    area.fill(MIXED.replace("quartz", "quarz"))
    expect(result).to_contain_text("One thing to change")
    expect(result).to_contain_text("there is no core type 'quarz'; did you mean 'quartz'?")
    expect(area).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".editor-gutter .is-bad")).to_have_text("11")
    result.get_by_role("button", name="line 11").click()
    expect(area).to_be_focused()
    selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    assert area.evaluate(selected) == 'core_type = "quarz"'
    page.keyboard.type('core_type = "quartz"')
    expect(result).to_contain_text("4 nodes, 7 cores")
    expect(result).to_contain_text("USD 0.17 per hour")
    expect(area).not_to_have_attribute("aria-invalid", "true")
    assert not Job.objects.exists()
    page.get_by_role("button", name="Launch 4 nodes").click()
    expect(page.get_by_role("heading", name="trial")).to_be_visible()
    expect(page.locator("#job-nodes tbody tr")).to_have_count(4)
    assert Cluster.objects.get().definition.text == MIXED


def test_a_sample_replaces_the_text_and_undo_brings_it_back(page: Page) -> None:
    area = page.get_by_label("Definition, in TOML")
    area.fill("# mine")
    page.get_by_role("link", name="one-head").click()
    expect(page.locator("#definition-result")).to_contain_text("1 node, 2 cores")
    page.get_by_role("button", name="Undo").click()
    expect(area).to_have_value("# mine")


def test_a_file_is_dropped_or_chosen_and_one_that_is_none_is_refused(page: Page, tmp_path: Path) -> None:
    area = page.get_by_label("Definition, in TOML")
    page.evaluate(DROP, ["[data-drop-zone]", "x.toml", MIXED])
    expect(area).to_have_value(MIXED)
    expect(page.locator("#definition-result")).to_contain_text("4 nodes, 7 cores")
    chosen = tmp_path / "y.toml"
    chosen.write_text(HEAD)
    page.get_by_label("Choose a definition file").set_input_files(chosen)
    expect(area).to_have_value(HEAD)
    picture = tmp_path / "z.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.get_by_label("Choose a definition file").set_input_files(picture)
    expect(page.locator("#definition-file-error")).to_contain_text("not text in UTF-8")
    picture.write_bytes(b"#" * 300_000)
    page.get_by_label("Choose a definition file").set_input_files(picture)
    expect(page.locator("#definition-file-error")).to_contain_text("at most 256 kB")
    expect(area).to_have_value(HEAD)


def test_terminate_by_handle_asks_with_what_will_be_lost(page: Page) -> None:
    page.get_by_label("Definition, in TOML").fill(HEAD)
    page.get_by_role("button", name="Launch 1 node").click()
    page.get_by_role("link", name="cluster-001").click()
    page.get_by_role("button", name="Terminate cluster-001").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Terminate cluster-001, “trial”?")
    expect(dialog).to_contain_text("The node shuts down")
    dialog.get_by_role("button", name="Terminate").click()
    expect(page.locator(".messages")).to_contain_text("Terminating cluster-001.")
    expect(page.locator(".cluster-table")).to_contain_text("Stop Requested")
