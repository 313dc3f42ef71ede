"""Reports: their figures are those of the rows, added up in another way, and each person sees their own."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused
from jobs.costs.rate_card import change_rate_card
from jobs.costs.report_csv import report_csv
from jobs.costs.report_request import read_request
from jobs.costs.reports import GroupBy, currencies, usage_report
from jobs.models import Charge, CoreType
from tests.jobs.costs.charges import NOON, charge

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 3, 8), date(2026, 3, 12)
KEYS: dict[GroupBy, Callable[[Charge], str]] = {
    GroupBy.DAY: lambda row: str(row.day),
    GroupBy.JOB: lambda row: row.job_id,
    GroupBy.CORE_TYPE: lambda row: row.core_type,
    GroupBy.PROJECT: lambda row: row.project_id,
    GroupBy.PERSON: lambda row: row.person_name,
}


def many_charges(people: list[User]) -> None:
    """Save charges of every kind; the same ones each time."""
    random = Random(1)
    for number in range(120):
        charge(
            random.choice(people),
            NOON + timedelta(days=random.randint(-4, 4), seconds=number),
            random.randint(0, 20_000),
            cores=random.choice([1, 2, 8]),
            core_type=random.choice(["emerald", "onyx"]),
            price_per_core_hour=Decimal(random.randint(0, 9999)) / 10_000,
            project_id=random.choice(["", "Wing01", "Nose02"]),
            is_idle=random.random() < 0.3,
            currency=random.choice(["USD"] * 9 + ["EUR"]),
            job_id=random.choice(["aaaaaa", "bbbbbb", "cccccc", "dddddd"]),
        )


@pytest.mark.parametrize("group_by", GroupBy)
def test_the_figures_are_those_of_the_rows(group_by: GroupBy, alice: User, bob: User) -> None:
    many_charges([alice, bob])
    for person in (None, alice):
        report = usage_report(group_by, FIRST, LAST, "USD", person)
        node_seconds: dict[str, int] = defaultdict(int)
        core_seconds: dict[str, int] = defaultdict(int)
        cost: dict[str, Fraction] = defaultdict(Fraction)
        idle: dict[str, Fraction] = defaultdict(Fraction)
        for row in Charge.objects.all():
            if row.currency != "USD" or not FIRST <= row.began_at.date() <= LAST:
                continue
            if person is not None and row.person_name != person.username:
                continue
            key = KEYS[group_by](row)
            money = Fraction(row.price_per_core_hour) * row.cores * row.seconds / 3600
            node_seconds[key] += row.seconds
            core_seconds[key] += row.seconds * row.cores
            cost[key] += money
            idle[key] += money if row.is_idle else 0
        assert {row.key for row in report.rows} == set(cost)
        for found in report.rows:
            assert found.node_seconds == node_seconds[found.key]
            assert found.core_seconds == core_seconds[found.key]
            assert abs(Fraction(found.cost) - cost[found.key]) < Fraction(1, 10**20)
            assert abs(Fraction(found.idle_cost) - idle[found.key]) < Fraction(1, 10**20)
        assert abs(Fraction(report.total.cost) - sum(cost.values())) < Fraction(1, 10**20)
        assert report.total.node_seconds == sum(node_seconds.values())


def test_a_renamed_person_is_one_and_a_deleted_one_stays(alice: User, bob: User, admin: User) -> None:
    charge(alice)
    User.objects.filter(pk=alice.pk).update(username="alicia")
    charge(User.objects.get(pk=alice.pk), seconds=7200)
    charge(None, person_name="carl")
    report = usage_report(GroupBy.PERSON, FIRST, LAST, "USD")
    assert [(row.key, row.node_hours) for row in report.rows] == [
        ("alicia", Decimal(3)),
        ("carl", Decimal(1)),
    ]
    charge(alice, seconds=0, is_open=True)
    assert "alice" not in {row.key for row in usage_report(GroupBy.PERSON, FIRST, LAST, "USD").rows}


def test_what_still_runs_counts_until_now(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=Decimal("0.1"))
    charge(alice, NOON, 0, is_open=True, cores=4)
    now = NOON + timedelta(hours=13)  # the next day
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    report = usage_report(GroupBy.DAY, FIRST, LAST, "USD", alice)
    assert [(row.key, row.node_hours) for row in report.rows] == [
        ("2026-03-10", Decimal(12)),
        ("2026-03-11", Decimal(1)),
    ]
    assert report.total.cost == Decimal("5.2")


def test_csv_has_the_rows_and_no_formulas(alice: User) -> None:
    charge(alice, job_id="aaaaaa", job_name="=HYPERLINK(1)")
    report = usage_report(GroupBy.JOB, FIRST, LAST, "USD", alice)
    [row] = csv.DictReader(io.StringIO(report_csv(report)))
    assert row == {
        "key": "aaaaaa",
        "name": "'=HYPERLINK(1)",
        "nodeHours": "1.000000",
        "coreHours": "1.000000",
        "cost": "0.100000",
        "idleCost": "0.000000",
        "currency": "USD",
    }


def test_only_administrators_ask_for_others(alice: User, charlie: User, admin: User) -> None:
    assert read_request(alice, {}).person == alice
    assert read_request(admin, {"person": "alice"}).person == alice
    assert read_request(admin, {"person": str(alice.pk)}).person == alice
    assert read_request(admin, {"everyone": "true"}).person is None
    for values in ({"person": "alice"}, {"person": str(alice.pk)}, {"everyone": "1"}, {"person": "nobody"}):
        with pytest.raises(Refused) as refused:
            read_request(charlie, values)
        assert (refused.value.reason, refused.value.status) == ("not_administrator", 403)


@pytest.mark.parametrize(
    "values",
    [
        {"from": "yesterday"},
        {"to": "2026-02-30"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "0001-01-01"},
        {"groupBy": "moon"},
    ],
)
def test_a_bad_question_is_a_sentence(values: dict[str, str], alice: User) -> None:
    with pytest.raises(Refused) as refused:
        read_request(alice, values)
    assert refused.value.reason == "period_invalid"
    assert refused.value.field in values


def test_a_time_may_be_given_as_moments(alice: User) -> None:
    asked = read_request(alice, {"from": "2026-03-01T00:00:00Z", "to": "2026-03-31T23:59:59+00:00"})
    assert (asked.first_day, asked.last_day) == (date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize("group_by", GroupBy)
def test_no_query_has_a_value_for_each_row(
    group_by: GroupBy,
    alice: User,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    """100,000 jobs are more values than SQLite takes in one query."""
    for number in range(400):
        charge(alice, job_id=f"job{number}", project_id=f"project{number}")
    with django_assert_max_num_queries(5) as queries:
        usage_report(group_by, FIRST, LAST, "USD", alice)
    assert max(len(query["sql"]) for query in queries.captured_queries) < 2000


def test_a_report_calls_a_job_by_its_newest_name(alice: User) -> None:
    for name in ("old", "new"):
        charge(alice, job_id="aaaaaa", job_name=name)
    [row] = usage_report(GroupBy.JOB, FIRST, LAST, "USD", alice).rows
    assert (row.name, row.node_seconds) == ("new", 7200)


def test_currencies_are_those_of_prices(alice: User, admin: User) -> None:
    assert currencies() == ["USD"]
    change_rate_card(Actor(admin), currency="EUR")
    assert currencies() == ["EUR", "USD"]
