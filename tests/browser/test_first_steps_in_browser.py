"""The first steps in a browser: a key created on the front page, an address allowed, the sample submitted."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from jobs.models import Job
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.waiting import wait_for

pytestmark = pytest.mark.browser


def test_three_presses_lead_to_a_first_job(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    page.goto("/")
    assert findings(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Create one").click()
    assert "OPENSSH PRIVATE KEY" in Path(download.value.path()).read_text()
    expect(page.get_by_role("button", name="Create one")).to_have_count(0)
    expect(page.get_by_text("This is the only copy. Keep it safe.")).to_be_visible()
    key = alice.ssh_keys.get()
    assert key.type == "ssh-ed25519"
    assert findings(page) == []

    page.get_by_role("button", name="Allow 127.0.0.1").click()
    expect(page.get_by_role("button", name="Allow 127.0.0.1")).to_have_count(0)
    assert alice.access_rules.get().cidr == "127.0.0.1/32"

    page.get_by_role("button", name="Run the sample").dblclick()
    job = wait_for(Job.objects.first, "the sample is submitted")
    assert job is not None
    page.wait_for_url(f"**/jobs/{job.pk}/")
    assert Job.objects.count() == 1
    page.goto("/")
    expect(page.get_by_text("First steps")).to_have_count(0)
