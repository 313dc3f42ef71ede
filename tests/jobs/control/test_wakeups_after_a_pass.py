"""What a pass leaves to wake it again: a message of its own only where the sweep would come too late."""

from datetime import timedelta
from typing import NoReturn

import pytest
from celery import current_app
from django.utils import timezone

from accounts.models import User
from jobs.control import claim, controller
from jobs.models import Cluster
from tests.fakes import providers as fakes
from tests.jobs.making import submitted_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """The messages sent, as task and countdown."""
    sent: list[tuple[str, float | None]] = []

    def send_task(task: str, countdown: float | None = None, **options: object) -> None:
        sent.append((task, countdown))

    monkeypatch.setattr(current_app, "send_task", send_task)
    return sent


def next_pass_in(delay: timedelta | None, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a pass that asks for the next one after `delay`."""
    cluster = submitted_job(alice).cluster
    Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now())
    monkeypatch.setattr(controller, "_pass", lambda cluster, provider_named: delay)
    assert controller.reconcile(cluster.pk, lambda name: fakes.ProviderWhoseNodesNeverReport())


@pytest.mark.parametrize("milliseconds", [100, 999])
def test_sooner_than_the_sweep_is_sent(
    milliseconds: int, alice: User, monkeypatch: pytest.MonkeyPatch, messages: list[tuple[str, float | None]]
) -> None:
    next_pass_in(timedelta(milliseconds=milliseconds), alice, monkeypatch)
    assert messages == [("jobs.reconcile", milliseconds / 1000)]


@pytest.mark.parametrize("seconds", [1, 1.2, 30, None])
def test_what_the_sweep_finds_in_time_is_not_sent(
    seconds: float | None,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    messages: list[tuple[str, float | None]],
) -> None:
    next_pass_in(None if seconds is None else timedelta(seconds=seconds), alice, monkeypatch)
    assert messages == []


def test_a_wakeup_during_the_pass_is_followed_by_another_at_once(
    alice: User, monkeypatch: pytest.MonkeyPatch, messages: list[tuple[str, float | None]]
) -> None:
    cluster = submitted_job(alice).cluster
    Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now())

    def woken(held: Cluster, provider_named: object) -> timedelta:
        Cluster.objects.filter(pk=held.pk).update(wakeups=held.wakeups + 1)
        return timedelta(hours=1)

    monkeypatch.setattr(controller, "_pass", woken)
    assert controller.reconcile(cluster.pk, lambda name: fakes.ProviderWhoseNodesNeverReport())
    assert messages == [("jobs.reconcile", None)]
    assert claim.acquire(cluster.pk) is not None, "due at once, and free"


def test_a_cluster_that_another_worker_has_is_left_alone(
    alice: User, messages: list[tuple[str, float | None]]
) -> None:
    cluster = submitted_job(alice).cluster
    Cluster.objects.filter(pk=cluster.pk).update(
        next_check_at=timezone.now(),
        claimed_by="another",
        claimed_until=timezone.now() + timedelta(seconds=9),
    )

    def nobody(name: str) -> NoReturn:
        raise AssertionError("no provider is asked")

    assert not controller.reconcile(cluster.pk, nobody)
    assert messages == []
