"""The pages of costs: usage with CSV, the rate card, and the cost on the job page and in the list."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.services import projects
from jobs.costs.rate_card import change_rate_card
from jobs.models import CoreType, Price
from tests.factories import JobFactory
from tests.jobs.api.test_cost import running_job
from tests.jobs.costs.charges import charge

pytestmark = pytest.mark.django_db


def page(user: User, path: str, **query: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(path, query).content.decode()


def test_job_page_and_list_show_the_cost(alice: User) -> None:
    job = running_job(alice)
    text = page(alice, f"/jobs/{job.pk}/")
    assert 'data-per-hour="0.400000"' in text
    assert "USD 0.40 per hour" in text
    text = page(alice, "/")
    assert "USD 0.27" in text
    assert 'data-per-hour="0.400000"' in text  # it counts on there, too
    assert "USD 0.40 per hour" in text
    assert re.search(r"up to <span title=[^>]*>USD 0\.4[67]</span>", text)  # at the deadline
    text = page(alice, "/clusters/")
    assert "USD 0.27" in text and 'data-per-hour="0.400000"' in text


def test_what_has_not_begun_to_cost_has_no_cost_but_what_it_will_at_most(alice: User) -> None:
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=Decimal("0.1"))
    saved = JobFactory.create(owner=alice, cores_per_slot=4, slots=2, walltime=timedelta(hours=3))
    text = page(alice, "/")
    assert '<span class="soft">up to USD 2.40</span>' in text and "USD 0.00" not in text
    text = page(alice, f"/jobs/{saved.pk}/")
    assert "At its walltime" in text and "USD 2.40" in text
    assert "So far" not in text and "USD 0.00" not in text


def test_a_job_that_ended_before_it_cost_anything_says_so(alice: User) -> None:
    job = JobFactory.create(owner=alice, submitted=True, completed_at=timezone.now())
    text = page(alice, "/")
    assert "cost nothing" in text and "USD 0.00" not in text
    assert '<dd class="soft">Nothing</dd>' in page(alice, f"/jobs/{job.pk}/")


def test_usage_shows_ones_own_only(alice: User, charlie: User, admin: User) -> None:
    charge(alice, timezone.now().replace(microsecond=0), 36_000, job_id="aaaaaa", job_name="wing")
    assert "USD 1.00" in page(alice, "/usage/", groupBy="job")
    assert "wing" not in page(charlie, "/usage/", groupBy="job")
    assert "wing" in page(admin, "/usage/", groupBy="job", everyone="1")
    assert "Only an administrator" in page(charlie, "/usage/", person="alice")
    assert "aaaaaa" in page(alice, "/usage.csv", groupBy="job")
    assert "aaaaaa" not in page(charlie, "/usage.csv", groupBy="job", everyone="1")


def test_less_than_a_cent_is_said_in_words_and_exact_in_the_csv(alice: User) -> None:
    charge(alice, timezone.now().replace(microsecond=0), 30, job_id="aaaaaa", job_name="wing")
    text = page(alice, "/usage/", groupBy="job")
    assert '<span title="USD 0.000833">under USD 0.01</span>' in text
    assert "0.000833" in page(alice, "/usage.csv", groupBy="job")


def test_usage_shows_days_whole_and_the_cost_first(alice: User) -> None:
    charge(alice, timezone.now().replace(microsecond=0), 36_000)
    text = " ".join(page(alice, "/usage/").split())
    assert '<th scope="row" class="nowrap">' in text
    assert text.index(">Cost</th>") < text.index(">Node hours</th>")
    assert '"day": "Day"' in text and '"under": "under USD 0.01"' in text


def test_usage_without_any_says_so(alice: User) -> None:
    assert "Nothing was used in this time" in page(alice, "/usage/")


def test_an_administrator_sets_prices(admin: User, alice: User) -> None:
    client = Client()
    client.force_login(admin)
    form = {f"price_{code}": "0,5" for code in CoreType.objects.values_list("pk", flat=True)}
    assert client.post("/administration/rate-card/", {**form, "currency": "eur"}).status_code == 302
    assert {core_type.price_per_core_hour for core_type in CoreType.objects.all()} == {Decimal("0.5")}
    text = page(admin, "/administration/rate-card/")
    assert "EUR 0.5" in text
    assert 'class="tag">simulated' not in text
    bad = client.post("/administration/rate-card/", {**form, "price_emerald": "free", "currency": "EUR"})
    assert bad.status_code == 400
    assert "Enter a number" in bad.content.decode()
    client.force_login(alice)
    assert client.post("/administration/rate-card/", form).status_code == 404
    assert Price.objects.filter(set_by="alice").count() == 0


def test_a_price_that_was_left_alone_is_not_put_back(admin: User) -> None:
    """Two administrators have the page open: each saves what they changed, and nothing else."""
    client = Client()
    client.force_login(admin)
    onyx = CoreType.objects.get(pk="onyx")
    shown = f"{onyx.price_per_core_hour.normalize():f}"
    change_rate_card(Actor(admin), prices={"onyx": Decimal(7)}, currency="EUR")
    form = {"price_onyx": shown, "was_onyx": shown, "price_emerald": "3", "was_emerald": "1"}
    answer = client.post("/administration/rate-card/", {**form, "currency": "USD", "was_currency": "USD"})
    assert answer.status_code == 302
    found = {row.pk: (row.price_per_core_hour, row.currency) for row in CoreType.objects.all()}
    assert (found["onyx"], found["emerald"]) == ((Decimal(7), "EUR"), (Decimal(3), "EUR"))


def test_a_core_type_that_the_form_did_not_have_keeps_its_price(admin: User) -> None:
    client = Client()
    client.force_login(admin)
    before = CoreType.objects.get(pk="onyx").price_per_core_hour
    form = {"price_emerald": "3", "currency": "USD"}
    assert client.post("/administration/rate-card/", form).status_code == 302
    assert CoreType.objects.get(pk="onyx").price_per_core_hour == before
    assert CoreType.objects.get(pk="emerald").price_per_core_hour == 3


def test_core_types_are_added_changed_and_retired_on_the_rate_card(admin: User, alice: User) -> None:
    client = Client()
    client.force_login(admin)
    text = page(admin, "/administration/rate-card/")
    core_types = "/administration/catalogue/core-types/"
    assert (
        f'href="{core_types}new/?from=rate_card"' in text
        and f'href="{core_types}onyx/?from=rate_card"' in text
    )
    form = {
        "code": "basalt",
        "name": "Basalt",
        "cores": "1, 2",
        "memory_mb_per_core": "4000",
        "price": "0.07",
        "ssh_port": "22",
        "storage_gb": "0",
        "display_order": "3",
        "is_active": "on",
    }
    for path in ("new/", "basalt/"):
        answer = client.post(f"{core_types}{path}?from=rate_card", form)
        assert answer.headers["Location"] == "/administration/rate-card/"
    assert 'name="price_basalt"' in page(admin, "/administration/rate-card/")

    assert client.post(f"{core_types}basalt/offer/", {"offer": "0"}, follow=True).status_code == 200
    assert not CoreType.objects.get(pk="basalt").is_active
    text = page(admin, "/administration/rate-card/")
    assert 'aria-label="Offer Basalt again"' in text and 'aria-label="Retire Onyx"' in text
    client.post(f"{core_types}basalt/offer/", {"offer": "1"})
    assert CoreType.objects.get(pk="basalt").is_active
    assert client.post(f"{core_types}obsidian/offer/", {"offer": "1"}).status_code == 404
    client.force_login(alice)
    assert client.post(f"{core_types}basalt/offer/", {"offer": "0"}).status_code == 404


def test_usage_names_projects(alice: User, admin: User) -> None:
    wing = projects.create_project(Actor(admin), "Wing", [alice])
    charge(alice, timezone.now().replace(microsecond=0), 3600, project_id=wing.pk)
    assert f'Wing <span class="job-id">{wing.pk}</span>' in page(alice, "/usage/", groupBy="project")
    assert f"{wing.pk},Wing," in page(alice, "/usage.csv", groupBy="project")


def test_usage_links_jobs_that_are_there(alice: User) -> None:
    charge(alice, timezone.now().replace(microsecond=0), 3600, job_id="Zzzzzz", job_name="gone")
    kept = charge(alice, timezone.now().replace(microsecond=0), 3600).job_id
    text = page(alice, "/usage/", groupBy="job")
    assert f'href="/jobs/{kept}/"' in text
    assert 'href="/jobs/Zzzzzz/"' not in text
