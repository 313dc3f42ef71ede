"""The API of costs: a job's cost, the rate card, and what was used."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.trail import Actor
from accounts.models import User
from jobs.costs.rate_card import change_rate_card
from jobs.costs.spans import whole_second
from jobs.models import Charge, Cluster, CoreType, Job
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory
from tests.jobs.costs.charges import charge

pytestmark = pytest.mark.django_db


def running_job(owner: User, seconds_ago: int = 1800) -> Job:
    """A job that runs for half an hour on two nodes of 4 cores at USD 0.1; one ended after ten minutes."""
    began = whole_second(timezone.now()) - timedelta(seconds=seconds_ago)
    job = JobFactory.create(owner=owner, submitted=True, cores_per_slot=4, slots=2)
    cluster = ClusterFactory.create(job=job, executing_at=began, deadline_at=began + timedelta(hours=1))
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=Decimal("0.1"))
    common = {"cluster_id": cluster.pk, "job_id": job.pk, "cores": 4}
    charge(owner, began, 600, node="compute-1", **common)
    charge(owner, began, 0, is_open=True, **common)
    return job


def test_the_cost_of_a_running_job(alice: User) -> None:
    began = timezone.now()
    job = running_job(alice)
    body = client_of(alice).get(f"/api/v2/jobs/{job.pk}/cost/").json()
    of_the_test = Decimal("0.4") / 3600 * ((timezone.now() - began).seconds + 2)
    assert {"currency", "accrued", "ratePerHour", "projected", "deadline", "simulated"} <= set(body)
    assert (body["projectedFor"], body["earlier"]) == ("deadline", [])
    assert body["currency"] == "USD"
    assert Decimal(body["ratePerHour"]) == Decimal("0.4")
    # A half hour and ten minutes of four cores at USD 0.1, and the time that the test took.
    assert Decimal("0.266666") <= Decimal(body["accrued"]) <= Decimal("0.266667") + of_the_test
    # What is charged ends with the last whole second: up to one second of the rate is missing.
    assert (
        Decimal("0.466667") - Decimal("0.4") / 3600 - Decimal("0.000001")
        <= Decimal(body["projected"])
        <= Decimal("0.466667") + of_the_test
    )
    assert body["deadline"]


def test_the_cost_of_a_saved_job_is_that_of_its_walltime(alice: User) -> None:
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=Decimal("0.1"))
    job = JobFactory.create(owner=alice, cores_per_slot=4, slots=2, walltime=timedelta(hours=3))
    body = client_of(alice).get(f"/api/v2/jobs/{job.pk}/cost/").json()
    assert (body["accrued"], body["ratePerHour"], body["deadline"]) == ("0.000000", "0.000000", None)
    assert body["projected"] == "2.400000"


def test_the_cost_of_a_job_that_ended_is_what_it_cost(alice: User) -> None:
    job = running_job(alice)
    Charge.objects.filter(is_open=True).delete()
    Cluster.objects.update(observed_state="released", deadline_at=None)
    Job.objects.update(completed_at=timezone.now())
    body = client_of(alice).get(f"/api/v2/jobs/{job.pk}/cost/").json()
    assert body["accrued"] == body["projected"] == "0.066667"


@pytest.mark.parametrize(
    ("change", "projected_for"),
    [
        ({"observed_state": "booting"}, "walltime"),
        ({"observed_state": "booting", "desired_state": "stopped"}, "end"),
        ({"observed_state": "executing"}, "deadline"),
        ({"observed_state": "executing", "desired_state": "stopped"}, "end"),
        ({"observed_state": "releasing"}, "end"),
    ],
)
def test_a_projection_says_for_when_it_is(alice: User, change: dict[str, str], projected_for: str) -> None:
    """While the nodes boot they cost and there is a deadline, but the projection is that of the walltime."""
    job = running_job(alice)
    Cluster.objects.update(**change)
    body = client_of(alice).get(f"/api/v2/jobs/{job.pk}/cost/").json()
    assert body["projectedFor"] == projected_for
    if projected_for == "end":
        assert body["projected"] == body["accrued"]
    client = Client()
    client.force_login(alice)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert ("At its walltime" in page, "At the deadline" in page) == (
        projected_for == "walltime",
        projected_for == "deadline",
    )


def test_what_has_ended_keeps_its_currency(alice: User, admin: User) -> None:
    job = running_job(alice)
    Charge.objects.filter(is_open=True).update(is_open=False, seconds=1800)
    Cluster.objects.update(observed_state="released", deadline_at=None)
    Job.objects.update(completed_at=timezone.now())
    change_rate_card(Actor(admin), currency="EUR")
    body = client_of(alice).get(f"/api/v2/jobs/{job.pk}/cost/").json()
    assert (body["currency"], body["accrued"], body["earlier"]) == ("USD", "0.266667", [])


def test_what_runs_says_what_it_cost_before_the_currency_changed(alice: User, admin: User) -> None:
    job = running_job(alice)
    change_rate_card(Actor(admin), currency="EUR")
    body = client_of(alice).get(f"/api/v2/jobs/{job.pk}/cost/").json()
    assert body["currency"] == "EUR"
    [earlier] = body["earlier"]
    assert earlier["currency"] == "USD"
    assert Decimal("0.26") < Decimal(earlier["amount"]) < Decimal("0.3")


def test_nobody_else_sees_the_cost(alice: User, bob: User, charlie: User) -> None:
    job = running_job(alice)
    for other in (bob, charlie):
        assert client_of(other).get(f"/api/v2/jobs/{job.pk}/cost/").status_code == 404
        assert client_of(other).get("/api/v2/users/me/usage/").json()["rows"] == []
        assert client_of(other).get("/api/v2/users/me/usage/", {"person": "alice"}).status_code == 403


def test_usage_by_job_and_as_csv(alice: User, admin: User) -> None:
    job = running_job(alice)
    query = {"groupBy": "job", "from": str(timezone.now().date() - timedelta(days=1))}
    body = client_of(alice).get("/api/v2/users/me/usage/", query).json()
    [row] = body["rows"]
    assert set(row) == {"key", "name", "nodeHours", "coreHours", "cost", "idleCost"}
    assert row["key"] == job.pk
    assert row["cost"] == body["total"]
    assert client_of(admin).get("/api/v2/users/me/usage/", {**query, "person": "alice"}).json()["rows"]
    answer = client_of(alice, Accept="text/csv").get("/api/v2/users/me/usage/", query)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode().splitlines()[0].startswith("key,name,nodeHours,coreHours,cost")
    assert job.pk in answer.content.decode()


def test_a_bad_period_names_the_field(alice: User) -> None:
    answer = client_of(alice).get("/api/v2/users/me/usage/", {"from": "x"})
    assert answer.status_code == 400
    assert answer.json()["reason"] == "period_invalid"
    assert "from" in answer.json()


def test_the_rate_card_is_for_administrators(alice: User, admin: User) -> None:
    body = {"simulated": False, "currency": "EUR", "prices": {"emerald": 0.25}}
    for method in ("get", "put"):
        answer = getattr(client_of(alice), method)("/api/v2/rate-card/", body, format="json")
        assert (answer.status_code, answer.json()["reason"]) == (403, "not_administrator")
    answer = client_of(admin).put("/api/v2/rate-card/", body, format="json")
    assert answer.status_code == 200
    assert answer.json() == client_of(admin).get("/api/v2/rate-card/").json()
    assert answer.json()["prices"]["emerald"] == "0.25"
    assert (answer.json()["simulated"], answer.json()["currency"]) == (False, "EUR")
    prices = client_of(alice).get("/api/v2/billing/computeprices/").json()
    assert {"amount": "0.25", "currency": "EUR"} in [price["value"] for price in prices]


def test_a_wrong_rate_card_says_what_is_wrong(admin: User) -> None:
    for body in (
        {"prices": {"moon": "1"}},
        {"prices": {"emerald": "much"}},
        {"prices": 5},
        {"currency": "x"},
    ):
        answer = client_of(admin).put("/api/v2/rate-card/", body, format="json")
        assert answer.status_code == 400
        assert set(answer.json()) & {"prices", "currency"}
