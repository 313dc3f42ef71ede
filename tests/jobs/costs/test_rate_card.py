"""The rate card: who may change it, from when a change counts, and what was charged before."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.catalogue.core_types import change_core_type
from jobs.costs.price_history import is_simulated, portal_currency, prices_of
from jobs.costs.rate_card import PricesRefused, change_rate_card
from jobs.models import CoreType, Price
from tests.jobs.costs.charges import charge

pytestmark = pytest.mark.django_db
DEAR = Decimal("2.5")


def test_a_change_counts_from_now_on(admin: User) -> None:
    before = CoreType.objects.get(pk="emerald").price_per_core_hour
    asked_at = timezone.now()
    change_rate_card(Actor(admin), prices={"emerald": DEAR})
    first, second = prices_of(["emerald"])["emerald"]
    assert (first.per_core_hour, second.per_core_hour) == (before, DEAR)
    assert asked_at <= second.valid_from <= timezone.now() + timedelta(seconds=1)
    assert CoreType.objects.get(pk="emerald").price_per_core_hour == DEAR
    assert Price.objects.filter(core_type="onyx").count() == 0
    event = AuditEvent.objects.get(action="jobs:rate_card:changed")
    assert event.after["emerald"] == "USD 2.5"


def test_the_same_prices_again_change_nothing(admin: User) -> None:
    change_rate_card(Actor(admin), prices={"emerald": DEAR})
    change_rate_card(Actor(admin), prices={"emerald": DEAR})
    assert Price.objects.count() == 2
    assert AuditEvent.objects.filter(action="jobs:rate_card:changed").count() == 1


def test_a_clock_that_is_put_back_changes_nothing_that_was_charged(admin: User, alice: User) -> None:
    ahead = timezone.now().replace(microsecond=0) + timedelta(hours=2)
    charge(alice, ahead - timedelta(hours=1), 3600, is_open=True)
    change_rate_card(Actor(admin), prices={"emerald": DEAR})
    assert prices_of(["emerald"])["emerald"][-1].valid_from == ahead


def test_prices_are_simulated_until_someone_says_they_are_not(admin: User) -> None:
    assert is_simulated()
    change_rate_card(Actor(admin), prices={"emerald": DEAR}, simulated=False)
    assert not is_simulated()
    change_rate_card(Actor(admin), currency="EUR")
    assert not is_simulated()
    assert portal_currency() == "EUR"
    assert {prices[-1].currency for prices in prices_of(["emerald", "onyx"]).values()} == {"EUR"}


def test_others_may_not(alice: User) -> None:
    with pytest.raises(Refused) as refused:
        change_rate_card(Actor(alice), prices={"emerald": DEAR})
    assert refused.value.reason == "not_administrator"


@pytest.mark.parametrize(
    ("prices", "currency", "reasons"),
    [
        ({"moonstone": DEAR}, None, ["core_type_unknown"]),
        ({"emerald": Decimal(-1)}, None, ["price_invalid"]),
        ({"emerald": Decimal("NaN")}, None, ["price_invalid"]),
        ({"emerald": Decimal("0.00001")}, None, ["price_invalid"]),
        ({"emerald": Decimal(100_000)}, "dollars", ["price_invalid", "currency_invalid"]),
        ({}, "usd", ["currency_invalid"]),
    ],
)
def test_what_is_no_price_is_refused(
    prices: dict[str, Decimal], currency: str | None, reasons: list[str], admin: User
) -> None:
    with pytest.raises(PricesRefused) as refused:
        change_rate_card(Actor(admin), prices=prices, currency=currency)
    assert [problem.reason for problem in refused.value.problems] == reasons
    assert not Price.objects.exists()


def test_a_price_changed_in_the_catalogue_counts_from_now_on_too(admin: User) -> None:
    emerald = CoreType.objects.get(pk="emerald")
    before = emerald.price_per_core_hour
    change_core_type(Actor(admin), emerald, {"price_per_core_hour": DEAR})
    first, second = prices_of(["emerald"])["emerald"]
    assert (first.per_core_hour, second.per_core_hour) == (before, DEAR)
    assert second.valid_from >= timezone.now() - timedelta(minutes=1)
    change_core_type(Actor(admin), emerald, {"name": "Emerald two"})
    assert Price.objects.count() == 2
