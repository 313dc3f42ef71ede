"""The list of jobs: the whole row is a link, it follows what happens, and it is usable at every width."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from jobs.control import checkpoint
from jobs.states import Observed, Outcome
from tests.browser.accessibility import findings
from tests.browser.conftest import Aside, SignIn
from tests.jobs.making import cluster_of, saved_job

pytestmark = pytest.mark.browser
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [360, 1440])
def test_the_list_has_no_finding_and_is_never_too_wide(sign_in: SignIn, alice: User, width: int) -> None:
    for number in range(27):
        saved_job(alice, name=f"Job {number} " + "x" * 100)
    failed, _ = cluster_of(alice, Observed.RELEASED, name="y" * 200)
    cluster_of(alice, Observed.EXECUTING, name="moves")
    checkpoint.complete(failed.job, Outcome.FAILED, "z" * 290, 3)
    page = sign_in(alice, viewport={"width": width, "height": 800})
    found = []
    for path in ("/", "/?status=failed&sort=-cost", "/?q=nothing", "/?q=%00", "/?sort=name&page=2"):
        page.goto(path)
        found += [*findings(page), *([path] if page.evaluate(WIDER) > 0 else [])]
    assert found == []
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()


def test_a_row_is_one_link_for_mouse_and_keyboard(sign_in: SignIn, alice: User) -> None:
    job = saved_job(alice, name="cavity")
    page = sign_in(alice, viewport={"width": 1440, "height": 800})
    page.goto("/")
    row = page.get_by_role("row", name="cavity")
    expect(row.get_by_role("link")).to_have_count(1)
    # At its far end, beside every text.
    box = row.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    page.wait_for_url(f"**/jobs/{job.pk}/")
    page.go_back()
    # A time, which has a title of its own.
    row.locator("time").click()
    page.wait_for_url(f"**/jobs/{job.pk}/")
    page.go_back()
    page.get_by_role("link", name="cavity").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{job.pk}/")


def test_a_search_and_a_tab_are_addresses(sign_in: SignIn, alice: User) -> None:
    saved_job(alice, name="cavity")
    saved_job(alice, name="wing")
    page = sign_in(alice, java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Search jobs").fill("wing")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile("q=wing"))
    page.get_by_role("link", name="Saved 1").click()
    expect(page).to_have_url(re.compile("status=saved&q=wing"))
    expect(page.get_by_role("link", name="wing")).to_be_visible()
    expect(page.get_by_role("link", name="cavity")).to_have_count(0)


def test_the_list_follows_while_something_moves(sign_in: SignIn, alice: User, aside: Aside) -> None:
    cluster, _ = cluster_of(alice, Observed.EXECUTING, name="wing")
    page = sign_in(alice)
    page.clock.install()
    page.goto("/")
    page.get_by_label("Search jobs").fill("half a wor")
    page.get_by_role("link", name="wing").focus()
    aside(checkpoint.complete, cluster.job, Outcome.FAILED, "The command exited with 3", 3)
    page.clock.run_for(11_000)
    expect(page.get_by_role("row", name="wing").get_by_text("Failed, exit code 3")).to_be_visible()
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    # What the person does meanwhile stays.
    expect(page.get_by_label("Search jobs")).to_have_value("half a wor")
    expect(page.get_by_role("row", name="wing").get_by_role("link")).to_be_focused()
