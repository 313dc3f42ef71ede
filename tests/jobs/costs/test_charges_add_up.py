"""Whatever happens, in whatever order: what is charged is the time each node existed, at the price that held then.

The loop's own state machine (tests/jobs/control/test_loop_survives.py) starts, extends, stops, kills, delays and puts
clocks back; here prices change as well, and the cloud's clock runs apart from the portal's. At the end the charges are
compared with the cloud's record, second by second, by an oracle of its own.
"""

import os
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from accounts.audit.trail import SYSTEM
from jobs.costs import rate_card
from jobs.models import Charge, CoreType, Price
from jobs.providers.base import NodeUsage
from tests.jobs.control.test_loop_survives import Loop
from tests.jobs.isolated_portal import IsolatedPortal

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = int(os.environ.get("CHARGE_EXAMPLES", "40"))
checked: Counter[str] = Counter()


class ChargedLoop(Loop):
    """The loop, whose prices change."""

    @rule(code=st.sampled_from(["emerald", "onyx"]), price=st.integers(0, 20_000))
    def a_price_changes(self, code: str, price: int) -> None:
        prices = {code: Decimal(price) / 10_000}
        self.attempt(lambda: rate_card.change_rate_card(SYSTEM, prices=prices))

    @rule(seconds=st.sampled_from([-3600, -5, 0, 7, 86_400]))
    def the_clouds_clock_is_set(self, seconds: int) -> None:
        self.world.cloud_offset = timedelta(seconds=seconds)

    @invariant()
    def no_charge_is_negative_and_no_second_is_charged_twice(self) -> None:
        checked["moments"] += 1
        assert not Charge.objects.filter(ended_at__lt=F("began_at")).exists()
        ends: dict[tuple[str, str], datetime] = {}
        rows = Charge.objects.order_by("cluster_id", "node", "began_at")
        for row in rows:
            assert row.seconds == (row.ended_at - row.began_at).total_seconds()
            key = (row.cluster_id, row.node)
            assert key not in ends or ends[key] <= row.began_at, f"{row} overlaps the one before"
            ends[key] = row.ended_at

    def teardown(self) -> None:
        super().teardown()
        assert not Charge.objects.filter(is_open=True).exists()
        for cluster_id, record in self.world.gone.items():
            checked["nodes"] += len(record)
            charged = sum(map(_cost_of_row, Charge.objects.filter(cluster_id=cluster_id)), Fraction())
            assert charged == sum(map(_cost_by_the_second, record), Fraction())
            checked["prices"] += Charge.objects.filter(cluster_id=cluster_id).count() > len(record)
        assert set(Charge.objects.values_list("cluster_id", flat=True)) <= set(self.world.gone)
        Charge.objects.all().delete()
        Price.objects.all().delete()


def _cost_of_row(row: Charge) -> Fraction:
    return Fraction(row.price_per_core_hour) * row.cores * row.seconds / 3600


def _cost_by_the_second(used: NodeUsage) -> Fraction:
    """Return what a node costs, found another way: the price is looked up for each second at which it changes."""
    assert used.until is not None
    start, end = int(used.since.timestamp()), int(used.until.timestamp())
    history = [
        (int(price.valid_from.timestamp()), Fraction(price.per_core_hour))
        for price in Price.objects.filter(core_type=used.core_type).order_by("valid_from", "id")
    ]
    if not history:
        history = [(0, Fraction(CoreType.objects.get(pk=used.core_type).price_per_core_hour))]
    total, second = Fraction(), start
    while second < end:
        price = [price for since, price in history if since <= second][-1]
        following = min([since for since, _ in history if since > second] + [end])
        total += (min(following, end) - second) * price * used.cores / 3600
        second = following
    return total


def test_charges_are_the_time_that_nodes_existed_at_the_price_then(monkeypatch: pytest.MonkeyPatch) -> None:
    checked.clear()
    ChargedLoop.portal = IsolatedPortal(monkeypatch)
    options: dict[str, Any] = {"phases": (Phase.generate,), "suppress_health_check": list(HealthCheck)}
    run_state_machine_as_test(
        ChargedLoop,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            database=None,
            **options,
        ),
    )
    assert checked["nodes"] >= EXAMPLES / 2, checked
    assert checked["prices"] >= 1, "no price ever changed while a node existed"
