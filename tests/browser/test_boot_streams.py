"""The nodes table in a real Chromium: it follows each node's boot, and what is open stays as it is."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from jobs.context import broker
from jobs.context.tokens import token_of
from jobs.models import Node
from jobs.states import Observed
from tests.browser.accessibility import findings
from tests.browser.conftest import Aside, SignIn
from tests.jobs.context.test_boot_stream import BOOT, REGISTRATION, line
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.browser


def test_a_boot_stream_is_followed_and_stays_open(sign_in: SignIn, alice: User, aside: Aside) -> None:
    cluster, _ = cluster_of(alice, Observed.BOOTING, slots=2)
    token = token_of(cluster.pk, "head")
    aside(broker.register, token, REGISTRATION, "")
    aside(broker.progress, token, {"lines": BOOT[:7]}, "")
    page = sign_in(alice)
    page.goto(f"/jobs/{cluster.job_id}/")
    summary = page.locator("#boot-head-summary")
    expect(summary).to_contain_text("Data running")
    summary.focus()
    page.keyboard.press("Enter")
    lines = page.locator("#boot-head .boot-line")
    expect(lines).to_have_count(7)
    assert page.locator("#boot-compute-1").count() == 0
    first = lines.first.element_handle()
    aside(broker.progress, token, {"lines": [*BOOT[7:], line(10, "<b>after all</b>", "data")]}, "")
    expect(lines).to_have_count(10)
    expect(summary).to_contain_text("Data failed")
    expect(page.locator("#boot-head .phase-list li").nth(3)).to_have_text("Data failed 3.0 s")
    expect(lines.last).to_contain_text("<b>after all</b>")
    # The same lines, not new ones: whoever reads or selects is not disturbed, and the focus is where it was.
    assert first is not None and first.is_visible()
    expect(summary).to_be_focused()


@pytest.mark.parametrize("width", [360, 1440])
def test_an_open_boot_stream_has_no_finding(sign_in: SignIn, alice: User, aside: Aside, width: int) -> None:
    cluster, _ = cluster_of(alice, Observed.BOOTING, slots=2)
    token = token_of(cluster.pk, "head")
    aside(broker.register, token, REGISTRATION, "")
    long = line(10, "x" * 3000, "data")
    aside(broker.progress, token, {"lines": [*BOOT, long]}, "")
    page = sign_in(alice, viewport={"width": width, "height": 800})
    page.goto(f"/jobs/{cluster.job_id}/")
    page.locator("#boot-head-summary").click()
    expect(page.locator("#boot-head .boot-line")).to_have_count(10)
    assert findings(page) == []


def test_an_opened_host_key_stays_open_when_the_job_moves_on(
    sign_in: SignIn, alice: User, aside: Aside
) -> None:
    cluster, _ = cluster_of(alice, Observed.BOOTING, slots=2)
    aside(broker.register, token_of(cluster.pk, "head"), REGISTRATION, "")
    page = sign_in(alice)
    page.goto(f"/jobs/{cluster.job_id}/")
    expect(page.locator("#verify-host .connect-foot")).to_be_hidden()
    page.get_by_text("Verify host").click()
    before = page.locator("#verify-host").element_handle()
    aside(Node.objects.filter(cluster=cluster, name="head").update, verified_at=timezone.now())
    aside(broker.progress, token_of(cluster.pk, "head"), {"lines": BOOT}, "")
    assert before is not None
    page.wait_for_function("old => !old.isConnected", arg=before)
    expect(page.locator("#verify-host .connect-foot")).to_contain_text("the portal logged in with it at")
