"""Columns stand under their headings, cards do not touch, and what belongs together stays on one line."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.services import projects
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.factories import BudgetFactory
from tests.jobs.costs.charges import charge
from tests.jobs.making import saved_job

pytestmark = pytest.mark.browser
# How far the middle of each box is from the middle of its heading, and the bottom of each cell from that of its row.
MISPLACED = """() => {
  const middle = (e) => {
    const range = document.createRange();
    if (e.firstChild) range.selectNodeContents(e);
    else range.selectNode(e);
    const r = range.getBoundingClientRect();
    return r.left + r.width / 2;
  };
  const bottom = (e) => e.getBoundingClientRect().bottom;
  const heads = [...document.querySelectorAll("#choices thead th")];
  return [...document.querySelectorAll("#choices tbody tr")].flatMap((row) => [
    ...[...row.querySelectorAll("input")].map((box, at) => Math.abs(middle(box) - middle(heads[at + 1]))),
    ...[...row.children].map((cell) => Math.abs(bottom(cell) - bottom(row))),
  ]);
}"""
GAPS = """() => {
  const cards = [...document.querySelectorAll("main .panel")].filter((e) => e.checkVisibility())
    .map((e) => e.getBoundingClientRect());
  return cards.slice(1).map((card, at) => card.top - cards[at].bottom);
}"""
LINES = (
    "(e) => { const r = document.createRange(); r.selectNodeContents(e); return r.getClientRects().length; }"
)


def lines(page: Page, selector: str) -> list[int]:
    """Return on how many lines the text of each of these elements stands."""
    return [int(found.evaluate(LINES)) for found in page.locator(selector).all()]


@pytest.mark.parametrize("width", [390, 1440])
def test_pages_of_lists_and_cards(sign_in: SignIn, admin: User, alice: User, width: int) -> None:
    projects.create_project(Actor(admin), "Wing", [admin, alice])
    charge(admin, timezone.now().replace(microsecond=0), 30)
    BudgetFactory.create(person=admin)
    saved_job(admin, name="A job with a name that leaves its other columns little room")
    page = sign_in(admin, viewport={"width": width, "height": 844})
    found = []
    for path in (
        "/settings/notifications/",
        "/administration/rate-card/",
        "/administration/budgets/",
        "/projects/",
        "/usage/",
        "/notifications/",
    ):
        page.goto(path)
        found += findings(page)
        if path != "/usage/":  # its cards stand beside each other
            assert all(gap >= 16 for gap in page.evaluate(GAPS)), path
    assert found == []

    page.goto("/settings/notifications/")
    misplaced = page.evaluate(MISPLACED)
    assert misplaced and max(misplaced) < 3

    page.goto("/")
    assert set(lines(page, ".job-table td.soft > .nowrap")) == {1}
    page.goto("/usage/")
    assert lines(page, "#usage-table tbody th") == [1]
    cost = page.locator("#usage-table tbody td").first.bounding_box()
    assert cost is not None and cost["x"] + cost["width"] <= width

    assert page.locator(".u-legend").inner_text().split("\n") == ["Idle", "While the command ran"]
    family, weight = page.locator(".u-legend th").last.evaluate(
        "(e) => [getComputedStyle(e).fontFamily, getComputedStyle(e).fontWeight]"
    )
    assert "IBM Plex Sans" in family and weight == "400"
    plot = page.locator(".u-over")
    plot.hover(position={"x": plot.evaluate("(e) => e.clientWidth") - 2, "y": 20})
    expect(page.locator(".u-legend")).to_contain_text("under USD 0.01")
    expect(page.locator(".u-legend").get_by_text("Day")).to_be_visible()
