"""What the host authority says of nodes, when, and for how long."""

import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.access import host_certificates
from jobs.control import command, controller, push_access
from jobs.models import Cluster, Node
from jobs.providers.base import State
from jobs.states import Observed
from sshgateway.certificates import authorities, rotation
from sshgateway.models import AuthorityKey
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import HOST_KEYS, cluster_of

pytestmark = pytest.mark.django_db


class ProviderThatRemembers(ProviderWhoseNodesNeverReport):
    """Keeps the certificates its nodes were given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[dict[str, list[str]]] = []

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        self.given.append({name: list(lines) for name, lines in certificates.items()})


@pytest.fixture
def provider() -> ProviderThatRemembers:
    return ProviderThatRemembers()


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """A cluster of two nodes the portal has logged in to."""
    found, nodes = cluster_of(alice, Observed.EXECUTING, slots=2)
    for number, node in enumerate(nodes):
        Node.objects.filter(pk=node.pk).update(
            state=Node.State.RUNNING,
            address=f"127.20.7.{number + 1}",
            port=32100,
            host_keys=[HOST_KEYS[0]],
            hostname="bank.example.com",
            registered_at=timezone.now(),
            verified_at=timezone.now(),
        )
    return found


def _read(certificate: str, folder: Path) -> str:
    path = folder / "certificate"
    path.write_text(certificate + "\n")
    return subprocess.run(["ssh-keygen", "-L", "-f", path], check=True, capture_output=True, text=True).stdout


def _principals(certificate: str, folder: Path) -> list[str]:
    lines = [line.strip() for line in _read(certificate, folder).splitlines()]
    return lines[lines.index("Principals:") + 1 : lines.index("Critical Options: (none)")]


def test_alias_and_proven_address_and_nothing_a_node_says_of_itself(
    cluster: Cluster, provider: ProviderThatRemembers, tmp_path: Path
) -> None:
    host_certificates.renew_certificates(cluster, provider)
    (given,) = provider.given
    job = cluster.job_id.lower()
    assert _principals(given["head"][0], tmp_path) == [f"job-{job}.headnode.local", "127.20.7.1"]
    assert _principals(given["compute-1"][0], tmp_path) == [
        f"job-{job}-compute-1.headnode.local",
        "127.20.7.2",
    ]
    assert "bank.example.com" not in _read(given["head"][0], tmp_path)


def test_before_the_portal_was_there_only_the_alias_counts(cluster: Cluster, tmp_path: Path) -> None:
    (certificate,) = host_certificates.sign_at_registration(cluster.nodes.get(name="head"))
    assert _principals(certificate, tmp_path) == [f"job-{cluster.job_id.lower()}.headnode.local"]


def test_an_address_outside_the_networks_of_nodes_is_not_vouched_for(
    cluster: Cluster, provider: ProviderThatRemembers, settings: Settings, tmp_path: Path
) -> None:
    settings.HEADNODE_NODE_NETWORKS = ["10.0.0.0/8", "2001:db8::1"]
    host_certificates.renew_certificates(cluster, provider)
    assert "127.20.7.1" not in _principals(provider.given[0]["head"][0], tmp_path)


def test_they_are_short_lived_and_renewed_when_half_used_up(
    cluster: Cluster, provider: ProviderThatRemembers, settings: Settings
) -> None:
    settings.HEADNODE_HOST_CERTIFICATE_LIFETIME = timedelta(hours=2)
    before = timezone.now()
    host_certificates.renew_certificates(cluster, provider)
    head = cluster.nodes.get(name="head")
    assert head.certified_until is not None
    assert before + timedelta(hours=2) <= head.certified_until <= timezone.now() + timedelta(hours=2)
    host_certificates.renew_certificates(cluster, provider)
    assert len(provider.given) == 1, "there is nothing to do yet"
    Node.objects.filter(pk=head.pk).update(certified_until=timezone.now() + timedelta(minutes=59))
    host_certificates.renew_certificates(cluster, provider)
    assert list(provider.given[1]) == ["head"]


def test_a_new_authority_key_reaches_running_nodes(cluster: Cluster, provider: ProviderThatRemembers) -> None:
    host_certificates.renew_certificates(cluster, provider)
    rotation.rotate(SYSTEM, AuthorityKey.Kind.HOST)
    host_certificates.renew_certificates(cluster, provider)
    assert len(provider.given) == 1, "it is published, it does not sign yet"
    rotation.rotate(SYSTEM, AuthorityKey.Kind.HOST, lead=timedelta())
    host_certificates.renew_certificates(cluster, provider)
    assert sorted(provider.given[1]) == ["compute-1", "head"]
    assert set(cluster.nodes.values_list("certified_by", flat=True)) == {
        authorities.host_authority_fingerprint()
    }


def test_a_new_user_authority_is_pushed_to_running_nodes(
    cluster: Cluster, provider: ProviderThatRemembers, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[list[str]] = []

    def keep(state: object, document: dict[str, Any]) -> int:
        pushed.append(document["user_authorities"])
        return int(document["version"])

    monkeypatch.setattr(provider, "push_access", keep)
    push_access.push(cluster, provider)
    push_access.push(cluster, provider)
    rotation.rotate(SYSTEM, AuthorityKey.Kind.USER)
    push_access.push(cluster, provider)
    (old,), both = pushed
    assert both[0] == old
    assert len(both) == 2
    assert both == authorities.user_authority_lines()


def test_a_rotation_wakes_every_live_cluster(
    cluster: Cluster, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Cluster.objects.update(next_check_at=timezone.now() + timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        rotation.rotate(SYSTEM, AuthorityKey.Kind.USER)
    cluster.refresh_from_db()
    assert cluster.next_check_at is not None
    assert cluster.next_check_at < timezone.now() + timedelta(seconds=5)


@pytest.mark.parametrize(
    "change",
    [
        {"verified_at": None},
        {"state": Node.State.STOPPING},
        {"state": Node.State.STOPPED},
        {"host_key_alarm_at": timezone.now()},
    ],
)
def test_who_gets_none(cluster: Cluster, provider: ProviderThatRemembers, change: dict[str, Any]) -> None:
    cluster.nodes.filter(name="compute-1").update(**change)
    host_certificates.renew_certificates(cluster, provider)
    assert [list(given) for given in provider.given] == [["head"]]


def test_a_pass_renews(
    cluster: Cluster, provider: ProviderThatRemembers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "follow", lambda cluster: timedelta(seconds=3))
    provider.there = {"head": "running", "compute-1": "running"}
    Cluster.objects.update(next_check_at=timezone.now(), claimed_until=None)
    assert controller.reconcile(cluster.pk, lambda name: provider)
    assert [sorted(given) for given in provider.given] == [["compute-1", "head"]]
