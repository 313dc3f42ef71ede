"""The access document that nodes receive: its content, when it is pushed, and in which order."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts import services as accounts
from accounts.models import User
from jobs.access import access_document
from jobs.control import push_access
from jobs.events import wakeups
from jobs.models import Cluster
from jobs.providers import registry
from jobs.states import Observed
from tests.factories import public_key
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import actor, cluster_of

pytestmark = pytest.mark.django_db


class ProviderThatRemembers(ProviderWhoseNodesNeverReport):
    """Keeps every access document it is given. `before` and `meanwhile` hold changes to make around each push."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[dict[str, Any]] = []
        self.meanwhile: list[Any] = []
        self.before: list[Any] = []

    def push_access(self, state: Any, access_document: Any) -> int:
        if self.before:
            self.before.pop(0)()
        self.documents.append(dict(access_document))
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return max(int(document["version"]) for document in self.documents)


@pytest.fixture
def provider() -> ProviderThatRemembers:
    return ProviderThatRemembers()


def push(cluster_id: str, provider: ProviderThatRemembers) -> None:
    push_access.push_to(cluster_id, lambda name: provider)


def test_only_what_counts_now_is_in_it(alice: User, settings: Settings) -> None:
    who = actor(alice)
    lines = {name: public_key(name) for name in ("good", "resting", "late")}
    keys = {name: accounts.add_ssh_key(who, alice, name, line) for name, line in lines.items()}
    accounts.disable_ssh_key(who, keys["resting"])
    alice.ssh_keys.filter(name="late").update(expires_at=timezone.now() - timedelta(seconds=1))
    accounts.add_access_rule(who, alice, "10.0.0.0/8")
    accounts.add_access_rule(who, alice, "0.0.0.0/0")
    old, _ = accounts.add_access_rule(who, alice, "192.0.2.0/24")
    alice.access_rules.filter(pk=old.pk).update(expires_at=timezone.now())
    settings.HEADNODE_ALLOW_EVERYWHERE = False
    cluster, _ = cluster_of(alice)
    document = access_document.new_document(cluster)
    assert document["authorized_keys"] == [lines["good"]]
    assert document["withdrawn"] == {
        keys["resting"].fingerprint: "disabled",
        keys["late"].fingerprint: "expired",
    }
    assert document["rules"] == ["10.0.0.0/8"]


def test_a_raised_floor_shuts_out_keys_that_were_saved_before(alice: User, settings: Settings) -> None:
    key = accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())
    settings.HEADNODE_KEY_TYPES = ["sk-ssh-ed25519@openssh.com"]
    cluster, _ = cluster_of(alice)
    document = access_document.new_document(cluster)
    assert (document["authorized_keys"], document["withdrawn"]) == ([], {key.fingerprint: "not_allowed"})


def test_it_is_pushed_once_until_something_changes(alice: User, provider: ProviderThatRemembers) -> None:
    cluster, _ = cluster_of(alice)
    push(cluster.pk, provider)
    wakeups.wake(cluster.pk)
    push(cluster.pk, provider)
    assert len(provider.documents) == 1
    accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())
    push(cluster.pk, provider)
    assert len(provider.documents) == 2
    assert provider.documents[1]["version"] > provider.documents[0]["version"]


def test_a_change_during_the_push_is_pushed_too(alice: User, provider: ProviderThatRemembers) -> None:
    cluster, _ = cluster_of(alice)
    key = accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())
    provider.meanwhile = [lambda: accounts.remove_ssh_key(actor(alice), key)]
    push(cluster.pk, provider)
    assert [len(document["authorized_keys"]) for document in provider.documents] == [1, 0]


def test_another_who_pushed_meanwhile_does_not_hide_the_newest(
    alice: User, provider: ProviderThatRemembers
) -> None:
    cluster, _ = cluster_of(alice)
    key = accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())

    def other() -> None:
        accounts.disable_ssh_key(actor(alice), key)
        push(cluster.pk, provider)

    provider.meanwhile = [other]
    push(cluster.pk, provider)
    cluster.refresh_from_db()
    assert cluster.access_pushed == access_document.digest_of(access_document.new_document(cluster))
    assert provider.documents[-1]["authorized_keys"] == []


def test_a_document_that_came_too_late_is_not_taken_for_told(
    alice: User, provider: ProviderThatRemembers
) -> None:
    """Its number was taken first and it arrives last: the provider keeps the other, so it is pushed anew."""
    cluster, _ = cluster_of(alice)
    key = accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())

    def overtake() -> None:
        accounts.disable_ssh_key(actor(alice), key)
        push(cluster.pk, provider)

    provider.before = [overtake]
    push(cluster.pk, provider)
    newest = max(provider.documents, key=lambda document: document["version"])
    cluster.refresh_from_db()
    assert newest["authorized_keys"] == []
    assert cluster.access_pushed == access_document.digest_of(newest)


@pytest.mark.parametrize("observed", [Observed.ABSENT, Observed.RELEASING, Observed.RELEASED])
def test_a_cluster_without_nodes_is_left_alone(
    alice: User, provider: ProviderThatRemembers, observed: Observed
) -> None:
    cluster, _ = cluster_of(alice, observed)
    push(cluster.pk, provider)
    push("nobody", provider)
    assert provider.documents == []


def test_the_next_pass_comes_when_a_key_expires(alice: User) -> None:
    cluster, _ = cluster_of(alice, Observed.COLLECTED)
    long = timedelta(seconds=15)
    assert push_access.limit_delay(cluster, long) == long
    who = actor(alice)
    accounts.add_ssh_key(who, alice, "laptop", public_key(), timezone.now() + timedelta(seconds=12))
    shortened = push_access.limit_delay(cluster, long)
    assert shortened is not None
    assert timedelta(seconds=7) < shortened < timedelta(seconds=13)
    accounts.add_access_rule(who, alice, "10.0.0.0/8", expires_at=timezone.now() + timedelta(seconds=6))
    shortened = push_access.limit_delay(cluster, long)
    assert shortened is not None
    assert shortened < timedelta(seconds=7)
    assert push_access.limit_delay(cluster, None) is None


def test_a_change_makes_clusters_due_soon_and_sends_the_push(
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    cluster, _ = cluster_of(alice, Observed.COLLECTED)
    Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now() + timedelta(hours=1))
    sent: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        wakeups, "_send_task", lambda task, cluster_id, queue: sent.append((task, cluster_id, queue))
    )
    with django_capture_on_commit_callbacks(execute=True):
        accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())
    assert sent == [("jobs.push_access", cluster.pk, "access")]
    before = cluster.wakeups
    cluster.refresh_from_db()
    assert cluster.wakeups == before + 1
    assert cluster.next_check_at is not None
    assert cluster.next_check_at < timezone.now() + timedelta(seconds=5)


def test_the_registry_has_the_simulated_cloud() -> None:
    assert registry.provider_named("simulated") is registry.provider_named("simulated")
