"""The administrators' page of budgets, a person's own on their usage page, and the New job form, in Chromium."""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.costs.budget_actions import NewBudget, add_budget
from jobs.lifetime.budget_check import check_budgets
from jobs.models import Budget
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.jobs.costs.charges import charge

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1440])
def test_an_administrator_adds_changes_and_removes_a_budget(
    sign_in: SignIn, alice: User, admin: User, core_types: None, width: int
) -> None:
    page = sign_in(admin, viewport={"width": width, "height": 900})
    page.goto("/administration/budgets/")
    expect(page.get_by_text("No budget yet")).to_be_visible()
    assert findings(page) == []
    page.get_by_label("User name or project").fill("nobody")
    page.get_by_label("Amount in USD").fill("much")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The amount must be a number above 0")).to_be_visible()
    expect(page.get_by_text("There is no person with this user name.")).to_be_visible()
    page.get_by_label("User name or project").fill("alice")
    page.get_by_label("Amount in USD").fill("10,5")
    page.get_by_text("Enforced: at 100 %").click()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Saved: the monthly budget of alice.")).to_be_visible()
    budget = Budget.objects.get()
    assert (budget.amount, budget.enforced, budget.period) == (Decimal("10.5"), True, "month")
    charge(alice, timezone.now().replace(day=1, hour=0), 3600 * 20, price_per_core_hour=Decimal("0.45"))
    check_budgets()
    page.reload()
    row = page.locator(f"#budget-{budget.pk}")
    expect(row).to_contain_text("85.7 % spent, USD 1.50 left")
    expect(page.get_by_role("table")).to_contain_text("80 %")
    assert findings(page) == []
    row.get_by_label("Amount in USD").fill("20")
    row.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("45.0 % spent")
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No budget yet")).to_be_visible()


def test_people_see_theirs_and_what_a_new_job_leaves(
    sign_in: SignIn, alice: User, bob: User, core_types: None
) -> None:
    add_budget(SYSTEM, NewBudget("person", "alice", Decimal(10), "month", enforced=True))
    page = sign_in(alice)
    page.goto("/usage/")
    expect(page.locator(".budget-line")).to_contain_text("USD 10.00 left")
    assert findings(page) == []
    page.goto("/jobs/new/")
    expect(page.get_by_text("of the monthly budget of alice would be left")).to_be_visible()
    charge(alice, timezone.now(), 3600, price_per_core_hour=20)
    page.reload()
    waits = "The job would wait: the monthly budget of alice has no room for it now."
    expect(page.get_by_text(waits)).to_be_visible()
    other = sign_in(bob)
    other.goto("/usage/")
    expect(other.locator(".budget-line")).to_have_count(0)
    answer = other.goto("/administration/budgets/")
    assert answer is not None and answer.status == 404
