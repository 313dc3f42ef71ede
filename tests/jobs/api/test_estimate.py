"""The estimate of a job before it is submitted, by API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project, ProjectPolicy, User
from jobs.costs.rate_card import change_rate_card
from jobs.models import CoreType, Job
from jobs.providers import capacity
from jobs.states import Observed
from tests.api import client_of, send
from tests.factories import BudgetFactory, ClusterFactory, JobFactory, StoredFileFactory
from tests.jobs.making import actor

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/estimate/"
HARDWARE = {"coreType": "emerald", "coresPerSlot": 4, "slots": 2, "walltime": 2}
ANALYSIS: dict[str, Any] = {"analysis": {"code": "user_included"}, "command": "hostname"}


@pytest.fixture(autouse=True)
def price() -> None:
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=Decimal("0.05"))


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the cloud has free; nothing is told of other core types."""
    cores: dict[str, int] = {}
    monkeypatch.setattr(capacity, "free_cores", cores.get)
    return cores


def job(*following: dict[str, Any], **hardware: Any) -> dict[str, Any]:
    return {"name": "Wing", "jobanalyses": [{**ANALYSIS, "hardware": {**HARDWARE, **hardware}}, *following]}


def answer(user: User, body: Any) -> dict[str, Any]:
    found = client_of(user).post(URL, body, format="json")
    assert found.status_code == 200, found.content
    told: dict[str, Any] = found.json()
    return told


def ran(owner: User, minutes: float) -> None:
    began = timezone.now() - timedelta(days=1)
    done = JobFactory.create(owner=owner, submitted=True, outcome="succeeded", cores_per_slot=4, slots=2)
    ended = began + timedelta(minutes=minutes)
    ClusterFactory.create(job=done, observed_state=Observed.RELEASED, executing_at=began, executed_at=ended)


def reasons(body: dict[str, Any]) -> list[str]:
    return [limit["reason"] for limit in body["limits"]]


def test_the_whole_answer(alice: User, free: dict[str, int]) -> None:
    free["emerald"] = 64
    for minutes in (10, 40, 300):
        ran(alice, minutes)
    assert answer(alice, job()) == {
        "currency": "USD",
        "simulated": True,
        "ratePerHour": "0.400000",
        "walltime": {"seconds": 7200.0, "cost": "0.800000"},
        "typical": {"seconds": 2400.0, "cost": "0.266667", "runs": 3},
        "limits": [],
        "capacity": {"cores": 8, "free": 64, "isEnough": True},
        "budgets": [],
    }


def test_what_would_be_left_of_each_budget_and_for_which_it_would_wait(alice: User) -> None:
    """The site's amounts are not for everybody."""
    BudgetFactory.create(person=alice, amount=Decimal("1"), enforced=True)
    BudgetFactory.create(scope="site", person=None, amount=Decimal("0.001"), enforced=True)
    BudgetFactory.create(amount=Decimal("0.001"), enforced=True)
    assert answer(alice, job())["budgets"] == [
        {"name": "the monthly budget of alice", "enforced": True, "wouldWait": False, "left": "0.200000"},
        {"name": "the site's monthly budget", "enforced": True, "wouldWait": True, "left": None},
    ]


def test_nothing_is_saved_and_no_name_is_needed(alice: User) -> None:
    body = job()
    del body["name"]
    assert answer(alice, body)["limits"] == []
    assert not Job.objects.exists()


def test_several_analyses_share_one_cluster(alice: User) -> None:
    ran(alice, 40)
    found = answer(alice, job(ANALYSIS, ANALYSIS))
    assert found["walltime"]["cost"] == "0.800000"
    assert found["typical"] is None


def test_without_a_walltime_it_is_the_longest(alice: User, settings: Any) -> None:
    settings.HEADNODE_MAX_JOB_HOURS = 10
    assert answer(alice, job(walltime=None))["walltime"] == {"seconds": 36000.0, "cost": "4.000000"}


def test_the_runs_of_others_are_not_told(alice: User, bob: User, charlie: User) -> None:
    ran(alice, 40)
    assert answer(alice, job())["typical"]["runs"] == 1
    assert answer(bob, job())["typical"] is None
    assert answer(charlie, job())["typical"] is None


def test_the_rate_card_of_now(alice: User, admin: User) -> None:
    change_rate_card(actor(admin), prices={"emerald": Decimal("0.1")}, currency="EUR", simulated=False)
    found = answer(alice, job())
    assert (found["currency"], found["simulated"]) == ("EUR", False)
    assert found["walltime"]["cost"] == "1.600000"


def test_what_is_free_and_too_little(alice: User, free: dict[str, int]) -> None:
    assert answer(alice, job())["capacity"] is None
    free["emerald"] = 7
    assert answer(alice, job())["capacity"] == {"cores": 8, "free": 7, "isEnough": False}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"slots": 5000}, "slots_out_of_range"),
        ({"slots": 10**400}, "slots_out_of_range"),
        ({"slots": 0}, "slots_out_of_range"),
        ({"coresPerSlot": 7}, "cores_not_offered"),
        ({"walltime": 100_000}, "walltime_out_of_range"),
        ({"walltime": -1}, "walltime_out_of_range"),
        ({"coreType": "no-such"}, "core_type_unknown"),
    ],
)
def test_limits_are_told_before_with_the_words_of_after(
    alice: User, change: dict[str, Any], reason: str
) -> None:
    found = answer(alice, job(**change))
    assert reasons(found) == [reason]
    assert found["walltime"] is found["typical"] is found["capacity"] is found["ratePerHour"] is None
    assert found["currency"] == "USD"
    refused = client_of(alice).post("/api/v2/jobs/", job(**change), format="json")
    assert refused.status_code == 400
    assert found["limits"][0]["message"] in refused.content.decode().replace('\\"', '"')


def test_every_limit_at_once(alice: User) -> None:
    body = job({**ANALYSIS, "command": " "}, slots=5000, walltime=-1)
    found = answer(alice, body)
    assert set(reasons(found)) == {"slots_out_of_range", "walltime_out_of_range", "command_missing"}
    assert [limit["analysis"] for limit in found["limits"] if limit["field"] == "command"] == [1]


def test_unknown_software_has_a_price_but_no_runs(alice: User) -> None:
    ran(alice, 40)
    body = job()
    body["jobanalyses"][0]["analysis"] = {"code": "no-such"}
    found = answer(alice, body)
    assert reasons(found) == ["analysis_unknown"]
    assert (found["walltime"]["cost"], found["typical"]) == ("0.800000", None)


def test_what_only_submit_refuses_is_told_too(alice: User, bob: User) -> None:
    ProjectPolicy.objects.create(is_required=True)
    assert reasons(answer(alice, job())) == ["project_required"]
    project = Project.objects.create(name="Wing")
    project.members.add(bob)
    body = {**job(), "projectId": project.pk}
    assert reasons(answer(alice, body)) == ["project_unknown"]
    assert reasons(answer(bob, body)) == []


def test_another_persons_file_is_unknown(alice: User, bob: User) -> None:
    body = job()
    body["jobanalyses"][0]["inputFiles"] = [{"id": StoredFileFactory.create(owner=alice).pk}]
    assert answer(alice, body)["limits"] == []
    assert client_of(bob).post(URL, body, format="json").status_code == 400


@pytest.mark.parametrize("body", ["{", "[]", "null", "7", '"x"', "{}", '{"jobanalyses": []}', "[" * 5000])
def test_what_is_no_job_is_400_with_a_sentence(alice: User, body: str) -> None:
    found = send(client_of(alice), "POST", URL, body, "application/json")
    assert found.status_code == 400
    assert found.json()


@pytest.mark.parametrize("wrong", ["abc", True, [1], {"a": 1}, 1.5])
def test_what_is_no_number_is_400_at_its_field(alice: User, wrong: Any) -> None:
    for name in ("slots", "coresPerSlot"):
        found = client_of(alice).post(URL, job(**{name: wrong}), format="json")
        assert found.status_code == 400, wrong
        assert name in found.json()["jobanalyses"][0]["hardware"]
