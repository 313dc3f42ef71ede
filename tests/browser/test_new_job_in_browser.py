"""The New job form follows the core type and says what the cluster is and costs."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from jobs.models import CoreType, Job
from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser


def test_the_summary_follows_and_the_job_is_submitted(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    page.goto("/jobs/new/")
    cores = page.get_by_label("Cores per node", exact=True)
    cores.select_option("8")
    page.get_by_label("Nodes (slots)").fill("3")
    summary = page.locator("[data-summary]")
    expect(summary).to_contain_text("3 nodes, 24 cores")
    expect(summary).to_contain_text("USD 1.20 per hour (simulated prices)")
    page.get_by_role("radio", name="Quartz").check()
    offered = CoreType.objects.get(pk="quartz").cores
    expect(cores.locator("option")).to_have_text([str(count) for count in offered])
    expect(summary).to_contain_text(f"3 nodes, {3 * max(offered)} cores")

    page.get_by_label("Name").fill("Wing")
    page.get_by_label("Command").fill("hostname")
    page.get_by_role("button", name="Save and submit").click()
    expect(page.get_by_role("heading", name="Wing")).to_be_visible()
    job = Job.objects.get()
    assert (job.core_type_id, job.slots, job.cores) == ("quartz", 3, 3 * max(offered))
    assert job.submitted_at is not None


def test_the_estimate_follows_what_matters_to_it(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.post_data or "") if "/estimate/" in sent.url else None)
    page.goto("/jobs/new/")
    estimate = page.get_by_role("status").filter(has_text="Up to")
    expect(estimate).to_have_text(re.compile(r"Up to USD 0\.05 for 1 hour"))
    page.get_by_label("Command").fill("a secret")
    page.get_by_label("Cores per node", exact=True).select_option("4")
    page.get_by_label("Nodes (slots)").fill("2")
    page.get_by_label("Walltime in hours").fill("2")
    expect(estimate).to_have_text(re.compile(r"Up to USD 0\.80 for 2 hours"))
    page.get_by_label("Nodes (slots)").fill("999")
    expect(page.locator("#job-estimate")).to_contain_text("Slots must be a whole number from 1 to")
    # Three changes at once are one question, and the command is never sent.
    assert len(asked) == 3
    assert not [body for body in asked if "secret" in body or "command" in body]
