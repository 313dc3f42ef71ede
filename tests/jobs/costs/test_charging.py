"""Charges in cases of their own: nodes made anew, a provider that forgot, edits while the loop is at work."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.audit.trail import Actor
from accounts.models import User
from jobs.catalogue.core_types import add_core_type
from jobs.catalogue.drafts import CoreTypeDraft
from jobs.costs import charging
from jobs.costs.rate_card import change_rate_card
from jobs.models import Charge, Cluster, CoreType
from jobs.providers.base import NodeUsage, ObservedNode
from jobs.submission import edits
from tests.interleaving import Rival, before_query
from tests.jobs.costs.charges import charge
from tests.jobs.making import actor, cluster_of

BASALT = CoreTypeDraft("basalt", "Basalt", [1], 1000, Decimal("0.1"))


class Record:
    """A provider that only knows what existed."""

    def __init__(self, usage: list[NodeUsage]) -> None:
        self._usage = usage

    def usage(self, _state: Mapping[str, Any]) -> list[NodeUsage]:
        return self._usage


def _see(cluster: Cluster, since: datetime) -> None:
    nodes = list(cluster.nodes.all())
    seen = {node.name: ObservedNode(node.name, "running", since=since) for node in nodes}
    charging.record_sightings(cluster, nodes, seen)


def _rename(cluster: Cluster, name: str) -> None:
    asked = replace(edits.draft_of(cluster.job), name=name, project_id="Wing01")
    edits.edit_job(actor(cluster.job.owner), cluster.job, asked)


@pytest.mark.django_db
def test_a_node_that_is_made_anew_costs_once(alice: User) -> None:
    """The rows of its first life are closed at once, not when the cluster is gone."""
    cluster, _ = cluster_of(alice)
    now = timezone.now()
    charge(alice, now.replace(microsecond=0) - timedelta(hours=2), 3600, cluster_id=cluster.pk, is_open=True)
    _see(cluster, now - timedelta(minutes=1))
    first, second = Charge.objects.order_by("began_at")
    assert (first.is_open, first.seconds) == (False, 3600)
    assert second.is_open
    assert 60 <= second.seconds <= 61 + (timezone.now() - now).seconds


@pytest.mark.django_db
def test_an_empty_record_takes_back_nothing(alice: User) -> None:
    cluster, _ = cluster_of(alice)
    _see(cluster, timezone.now() - timedelta(hours=1))
    charging.settle(cluster, Record([]))  # type: ignore[arg-type]  # all of a provider that is asked
    row = Charge.objects.get()
    assert (row.is_open, row.seconds in (3600, 3601)) == (False, True)


@pytest.mark.django_db
def test_what_a_pass_read_before_an_edit_is_not_charged(alice: User) -> None:
    cluster, _ = cluster_of(alice)
    since = timezone.now() - timedelta(hours=1)
    _see(cluster, since)
    stale = Cluster.objects.select_related("job").get(pk=cluster.pk)
    _rename(cluster, "tail")
    [node] = cluster.nodes.all()
    usage = NodeUsage(node.name, "emerald", 1, since, timezone.now())
    charging.settle(stale, Record([usage]))  # type: ignore[arg-type]  # see above
    row = Charge.objects.get()
    assert (row.job_name, row.project_id) == ("tail", "Wing01")


@pytest.mark.django_db
def test_a_new_name_is_that_of_what_was_charged_too(alice: User) -> None:
    cluster, _ = cluster_of(alice)
    _see(cluster, timezone.now() - timedelta(hours=1))
    charging.settle(cluster, Record([]))  # type: ignore[arg-type]  # see above
    _rename(cluster, "tail")
    assert Charge.objects.get().job_name == "tail"


@pytest.mark.django_db(transaction=True)
def test_an_edit_waits_for_the_charges_that_are_written(alice: User) -> None:
    """Otherwise it would not find them, and they would stay with what was before."""
    if connection.vendor == "sqlite":
        pytest.skip("on SQLite one transaction excludes the other")
    cluster, _ = cluster_of(alice)
    rival = Rival(lambda: _rename(cluster, "tail"))
    with before_query(lambda sql: 'INSERT INTO "jobs_charge"' in sql, rival.start) as happened:
        _see(cluster, timezone.now() - timedelta(minutes=1))
    rival.finish()
    assert happened
    assert Charge.objects.get().project_id == "Wing01"


@pytest.mark.django_db
def test_a_price_never_reaches_back_into_closed_charges(admin: User, alice: User) -> None:
    """The clock was put back after a node ended: its seconds keep the price they had."""
    ahead = timezone.now().replace(microsecond=0) + timedelta(seconds=30)
    charge(alice, ahead - timedelta(seconds=10), 10, day=ahead.date())
    change_rate_card(Actor(admin), prices={"emerald": Decimal("2.5")})
    assert CoreType.objects.get(pk="emerald").prices.latest("valid_from").valid_from >= ahead


@pytest.mark.django_db(transaction=True)
def test_a_core_type_added_while_the_currency_changes_has_the_new_one(admin: User) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("on SQLite one transaction excludes the other")
    rival = Rival(lambda: add_core_type(Actor(admin), BASALT))
    with before_query(lambda sql: sql.startswith('UPDATE "jobs_coretype"'), rival.start) as happened:
        change_rate_card(Actor(admin), currency="EUR")
    rival.finish()
    assert happened
    assert CoreType.objects.get(pk="basalt").currency == "EUR"
