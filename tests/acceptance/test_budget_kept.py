"""An enforced budget in the running portal: five clusters of three rates end within a minute of run time of its amount,
an extension that would break it is refused at every door, a new job waits, and goes on when the budget is raised."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.people import Person, sign_in, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance
PASSWORD = "horse battery correct"
OWNER, COLLEAGUE = "petra", "cora"
# Seconds that the budget lasts for all five, from when it is set.
LASTS = 90
HARDWARE = [("emerald", 2), ("emerald", 2), ("quartz", 1), ("onyx", 1), ("onyx", 1)]


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Person:
    """Petra, who has nothing else running."""
    for name in (OWNER, COLLEAGUE):
        stack.manage(
            "shell",
            "-c",
            f"from accounts.models import User; User.objects.filter(username='{name}').exists() "
            f"or User.objects.create_user('{name}', password='{PASSWORD}')",
        )
    return with_token(stack, OWNER, PASSWORD)


@pytest.fixture
def jobs(owner: Person) -> Iterator[list[str]]:
    """Jobs that are stopped with the test."""
    made: list[str] = []
    yield made
    for job in made:
        owner.call("POST", f"/api/v2/jobs/{job}/stop/")


def submit(person: Person, core_type: str, slots: int) -> str:
    hardware = {"coreType": core_type, "coresPerSlot": 1, "slots": slots, "walltime": 1}
    analysis = {"analysis": {"code": "user_included"}, "command": "sleep 900", "hardware": hardware}
    status, job = person.call("POST", "/api/v2/jobs/", {"name": "spends", "jobanalyses": [analysis]})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    return str(job["id"])


def test_five_clusters_of_three_rates_end_with_the_budget(
    stack: Stack, owner: Person, jobs: list[str], browser: Browser
) -> None:
    admin = with_token(stack)
    jobs += [submit(owner, core_type, slots) for core_type, slots in HARDWARE]
    for job in jobs:
        owner.wait_for_message(job, "Launched the command")
    rates = [Decimal(owner.get(f"/api/v2/jobs/{job}/cost/")["ratePerHour"]) for job in jobs]
    assert len(set(rates)) == 3
    rate = sum(rates, Decimal()) / 3600
    amount = (rate * LASTS).quantize(Decimal("0.0001"), ROUND_DOWN)
    body = {"scope": "person", "subject": OWNER, "amount": str(amount), "period": "once", "enforced": True}
    status, budget = admin.call("POST", "/api/v2/budgets/", body)
    assert status == 201, budget
    url = f"/api/v2/budgets/{budget['id']}/"

    def deadline_reasons() -> set[str]:
        return {str(owner.get(f"/api/v2/jobs/{job}/")["deadlineReason"]) for job in jobs}

    wait_for(lambda: deadline_reasons() == {"budget"}, "the budget gives every deadline", every=0.2)
    refused = owner.call("POST", f"/api/v2/jobs/{jobs[0]}/extend/", {"seconds": 3600})
    assert (refused[0], refused[1]["reason"]) == (409, "beyond_budget")
    assert f"the budget of {OWNER} is exceeded by USD" in str(refused[1])
    colleague = with_token(stack, COLLEAGUE, PASSWORD)
    assert colleague.call("GET", url)[0] == 404
    assert colleague.call("POST", f"/api/v2/jobs/{jobs[0]}/extend/", {"seconds": 60})[0] == 404
    assert owner.call("PATCH", url, {"amount": 1000})[0] == 403
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, stack, OWNER, PASSWORD)
        page.goto(f"{stack.base_url}jobs/{jobs[0]}/")
        expect(page.locator("#deadline-why")).to_have_text(f"Then the budget of {OWNER} is used up.")
    for job in jobs:
        owner.wait_for_cluster(job, "Stopped", limit=LASTS + 60)
    ended_at = datetime.now(UTC)
    found = owner.get(url)
    spent = Decimal(found["spent"])
    assert abs(spent - amount) <= rate * 60, (spent, amount, rate, ended_at)
    outcomes = {owner.get(f"/api/v2/jobs/{job}/")["outcome"] for job in jobs}
    assert outcomes == {"deadline"}

    # What is left lasts no minute for a job that is larger than all of them.
    jobs.append(submit(owner, "emerald", 16))
    waiting = f"Waiting: with this job, the budget of {OWNER} would be used up within a minute."
    owner.wait_for_message(jobs[-1], waiting)
    rows = owner.get(f"/api/v2/jobs/{jobs[-1]}/statuses/")["results"]
    assert (rows[0]["status"], rows[0]["statusReason"]) == ("Queued", waiting)
    assert admin.call("PATCH", url, {"amount": "100"})[0] == 200
    owner.wait_for_message(jobs[-1], "Launched the command")
    told = owner.get("/api/v2/users/me/notifications/?page_size=100")["results"]
    keys = [(row["kind"], row["title"]) for row in told if row["kind"] == "budget"]
    assert keys
    assert len(keys) == len(set(keys))
    assert admin.call("DELETE", url)[0] == 204
