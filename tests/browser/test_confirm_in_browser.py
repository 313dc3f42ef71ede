"""What a person confirms is sent, whatever the page did while the question was open."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from jobs.models import Job
from jobs.states import Observed
from tests.browser.conftest import Aside, SignIn
from tests.jobs.making import cluster_of
from tests.waiting import wait_for

pytestmark = pytest.mark.browser


def test_a_form_that_was_replaced_while_it_asked_is_sent(sign_in: SignIn, alice: User, aside: Aside) -> None:
    cluster, _ = cluster_of(alice, Observed.BOOTING, slots=2)
    page = sign_in(alice)
    page.goto(f"/jobs/{cluster.job_id}/")
    page.locator("#terminate-button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    # As the page does when something happens in the job: the part with the button is another one then.
    page.evaluate("""() => {
      const part = document.getElementById("terminate-button").closest("[data-live]");
      part.replaceWith(part.cloneNode(true));
    }""")
    dialog.get_by_role("button", name="Terminate").click()

    def stop_requested() -> bool:
        return bool(aside(Job.objects.filter(pk=cluster.job_id, stop_requested_at__isnull=False).exists))

    wait_for(stop_requested, "the job is stopped")
