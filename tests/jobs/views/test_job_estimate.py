"""The estimate in the New job form: sentences beside the button, for whatever is typed."""

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.durations import about_text
from jobs.models import CoreType, Job, RateCard
from jobs.providers import capacity
from jobs.states import Observed
from tests.factories import ClusterFactory, JobFactory

URL = "/jobs/new/estimate/"
FORM = {
    "analysis": "user_included 0",
    "core_type": "emerald",
    "cores_per_slot": "4",
    "slots": "2",
    "walltime": "2",
}


@pytest.fixture
def page(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=Decimal("0.05"))
    monkeypatch.setattr(capacity, "free_cores", lambda core_type: 64)
    client.force_login(alice)
    return client


def shown(client: Client, **change: str) -> str:
    """Return the text of the fragment, without tags and with single blanks."""
    answer = client.post(URL, {**FORM, **change})
    assert answer.status_code == 200
    html = answer.content.decode()
    text = "".join(part.partition(">")[2] for part in f">{html}".split("<"))
    return " ".join(unescape(text).split())


def ran(owner: User, minutes: float) -> None:
    began = timezone.now() - timedelta(days=1)
    job = JobFactory.create(owner=owner, submitted=True, outcome="succeeded", cores_per_slot=4, slots=2)
    ended = began + timedelta(minutes=minutes)
    ClusterFactory.create(job=job, observed_state=Observed.RELEASED, executing_at=began, executed_at=ended)


def test_the_cost_of_the_walltime(page: Client) -> None:
    assert shown(page) == "Up to USD 0.80 for 2 hours"
    assert not Job.objects.exists()


def test_a_real_rate_card_is_not_called_simulated(page: Client) -> None:
    assert "simulated prices" in page.get("/jobs/new/").content.decode()
    RateCard.objects.update_or_create(pk=1, defaults={"is_simulated": False})
    assert "simulated prices" not in page.get("/jobs/new/").content.decode()


def test_how_long_jobs_like_it_took(page: Client, alice: User, bob: User) -> None:
    ran(bob, 5)
    ran(alice, 40)
    assert "A job like this took 40 min (1 run), for USD 0.27" in shown(page)
    for minutes in (10, 20, 50, 60):
        ran(alice, minutes)
    assert "Jobs like this took 40 min (5 runs), for USD 0.27" in shown(page)
    assert "walltime is shorter" not in shown(page)
    assert "The walltime is shorter than that" in shown(page, walltime="0.5")


def test_too_few_free_cores(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "free_cores", lambda core_type: 7)
    sentence = "Not enough is free now: the job needs 8 Emerald cores, and 7 are free."
    assert sentence in shown(page)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"slots": "5000"}, "Slots must be a whole number from 1 to"),
        ({"slots": ""}, "Slots must be a whole number from 1 to"),
        ({"slots": "9" * 5000}, "Slots must be a whole number from 1 to"),
        ({"cores_per_slot": "four"}, "has no slot of that many cores"),
        ({"walltime": "nan"}, "Walltime must be more than 0"),
        ({"walltime": "1e400"}, "Walltime must be more than 0"),
        ({"core_type": "a\0"}, "There is no such core type."),
        ({"analysis": "a\0 b"}, "There is no analysis with this code."),
        ({"analysis": "user_included \0"}, "has no such version"),
        ({"project": "x\0"}, "A project's id has at most"),
    ],
)
def test_what_would_refuse_it_is_told_before(page: Client, change: dict[str, str], sentence: str) -> None:
    text = shown(page, **change)
    assert sentence in text
    assert ("Up to" in text) == bool({"analysis", "project"} & set(change))


def test_an_empty_form_is_answered(page: Client) -> None:
    assert page.post(URL).status_code == 200


def test_only_for_people_who_are_signed_in(client: Client, db: None) -> None:
    assert client.post(URL, FORM)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=42), "42 s"),
        (timedelta(minutes=40, seconds=10), "40 min"),
        (timedelta(minutes=59, seconds=50), "1 hour"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
    ],
)
def test_a_span_as_people_say_it(span: timedelta, text: str) -> None:
    assert about_text(span) == text
