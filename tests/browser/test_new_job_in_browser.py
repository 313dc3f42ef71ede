"""The New job form follows the core type and says what the cluster is and costs."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from jobs.models import Job
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
    expect(summary).to_contain_text("$1.20 per hour (simulated prices)")
    page.get_by_role("radio", name="Quartz").check()
    expect(cores.locator("option")).to_have_text(["1", "2"])
    expect(summary).to_contain_text("3 nodes, 6 cores")

    page.get_by_label("Name").fill("Wing")
    page.get_by_label("Command").fill("hostname")
    page.get_by_role("button", name="Save and submit").click()
    expect(page.get_by_role("heading", name="Wing")).to_be_visible()
    job = Job.objects.get()
    assert (job.core_type_id, job.slots, job.cores) == ("quartz", 3, 6)
    assert job.submitted_at is not None
