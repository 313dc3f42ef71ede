"""Logins that nodes report: recorded on the key and in the Job Log, each once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import services as accounts
from accounts.models import SSHKey, User
from jobs.control import login_records
from jobs.models import Cluster
from jobs.providers.base import LoginRecord
from jobs.providers.simulated_answers import read_login
from jobs.states import Observed
from tests.factories import public_key
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import actor, cluster_of

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


class ProviderWithLogins(ProviderWhoseNodesNeverReport):
    """Reports the logins it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[LoginRecord] = []

    def logins(self, state: Any, after: int) -> Sequence[LoginRecord]:
        return [record for record in self.records if record.sequence > after]

    def log_in(
        self, key: SSHKey | str, at: datetime = NOW, address: str = "192.0.2.7", node: str = "head"
    ) -> None:
        fingerprint = key if isinstance(key, str) else key.fingerprint
        number = len(self.records) + 1
        self.records.append(LoginRecord(number, at, node, "uprod_x", address, fingerprint=fingerprint))


@pytest.fixture
def provider() -> ProviderWithLogins:
    return ProviderWithLogins()


@pytest.fixture
def cluster(alice: User) -> Cluster:
    return cluster_of(alice, Observed.EXECUTING)[0]


@pytest.fixture
def key(alice: User) -> SSHKey:
    return accounts.add_ssh_key(actor(alice), alice, "Laptop", public_key())


def logged(cluster: Cluster) -> list[str]:
    return [event.message for event in cluster.job.events.filter(source="ssh")]


def test_a_login_is_recorded_and_logged(cluster: Cluster, key: SSHKey, provider: ProviderWithLogins) -> None:
    provider.log_in(key, node="compute-1")
    login_records.record_logins(cluster, provider)
    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_from, key.last_used_job) == (NOW, "192.0.2.7", cluster.job_id)
    assert logged(cluster) == [f"Login with key 'Laptop' ({key.fingerprint}) from 192.0.2.7 on compute-1."]


def test_a_certificate_of_the_nodes_own_authority_is_logged_and_the_portals_is_not(
    cluster: Cluster, provider: ProviderWithLogins
) -> None:
    common = {"node": "head", "username": "uprod_x", "source_address": "192.0.2.7", "at": NOW.isoformat()}
    for number, own in enumerate(
        ({"certificate": "gateway"}, {"certificate": "me\n", "authority": "SHA256:x"}), 1
    ):
        record = read_login({"sequence": number, **common, **own})
        assert record is not None
        provider.records.append(record)
    login_records.record_logins(cluster, provider)
    assert logged(cluster) == [
        "Login with certificate 'me?' of an authority that only the node trusts (SHA256:x) from 192.0.2.7 on head."
    ]


def test_nothing_is_logged_twice(cluster: Cluster, key: SSHKey, provider: ProviderWithLogins) -> None:
    provider.log_in(key)
    login_records.record_logins(cluster, provider)
    login_records.record_logins(cluster, provider)
    again = Cluster.objects.get(pk=cluster.pk)
    assert again.login_cursor == 1
    login_records.record_logins(again, provider)
    assert len(logged(cluster)) == 1


def test_a_pass_that_lost_the_race_logs_nothing(
    cluster: Cluster, key: SSHKey, provider: ProviderWithLogins
) -> None:
    provider.log_in(key)
    behind = Cluster.objects.get(pk=cluster.pk)
    login_records.record_logins(cluster, provider)
    login_records.record_logins(behind, provider)
    assert len(logged(cluster)) == 1


def test_a_program_that_logs_in_all_the_time_is_logged_once(
    cluster: Cluster, key: SSHKey, provider: ProviderWithLogins
) -> None:
    for second in range(5):
        provider.log_in(key, NOW + timedelta(seconds=second))
    login_records.record_logins(cluster, provider)
    provider.log_in(key, NOW + timedelta(seconds=9))
    login_records.record_logins(cluster, provider)
    provider.log_in(key, address="192.0.2.8")
    login_records.record_logins(cluster, provider)
    assert [message.partition(" from ")[2] for message in logged(cluster)] == [
        "192.0.2.7 on head.",
        "192.0.2.8 on head.",
    ]
    key.refresh_from_db()
    assert key.last_used_at == NOW + timedelta(seconds=9)


def test_a_key_of_the_home_is_logged_as_unknown(cluster: Cluster, provider: ProviderWithLogins) -> None:
    provider.log_in("SHA256:home")
    login_records.record_logins(cluster, provider)
    assert logged(cluster) == [
        "Login with a key that is not in Job Settings (SHA256:home) from 192.0.2.7 on head."
    ]


def test_the_portals_own_logins_are_not_logged(cluster: Cluster, provider: ProviderWithLogins) -> None:
    provider.records.append(
        LoginRecord(1, NOW, "head", "uprod_x", "127.0.0.1", certificate="alice job:x terminal")
    )
    login_records.record_logins(cluster, provider)
    assert (logged(cluster), cluster.login_cursor) == ([], 1)


def test_the_same_key_of_somebody_else_is_not_touched(
    cluster: Cluster, bob: User, provider: ProviderWithLogins
) -> None:
    line = public_key()
    theirs = accounts.add_ssh_key(actor(bob), bob, "Same", line)
    provider.log_in(theirs)
    login_records.record_logins(cluster, provider)
    theirs.refresh_from_db()
    assert theirs.last_used_at is None


@pytest.mark.parametrize(
    "broken",
    [
        {"sequence": "x"},
        {"at": "yesterday"},
        {"source_address": "<script>"},
        {"node": None, "at": None},
        {"sequence": None},
    ],
)
def test_a_record_that_cannot_be_read_is_left_out(broken: dict[str, Any]) -> None:
    good = {"sequence": 1, "at": NOW.isoformat(), "node": "head", "username": "u", "source_address": "::1"}
    assert read_login(good) is not None
    assert read_login({**good, **broken}) is None


def test_a_clock_that_is_ahead_is_not_believed() -> None:
    ahead = {
        "sequence": 1,
        "at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "node": "head",
        "username": "u",
        "source_address": "127.0.0.1",
    }
    record = read_login(ahead)
    assert record is not None
    assert record.at <= datetime.now(UTC)
