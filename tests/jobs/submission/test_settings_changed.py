"""A job shows the keys and rules it began with, and what changed since, as long as it has a cluster."""

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.models import User
from jobs.models import Cluster
from jobs.states import Observed
from tests.api import client_of
from tests.factories import public_key
from tests.jobs.making import actor, cluster_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """A running cluster whose job began with one key; the key was disabled and a rule added since."""
    key = accounts.add_ssh_key(actor(alice), alice, "Laptop", public_key())
    made, _ = cluster_of(alice, Observed.EXECUTING)
    accounts.disable_ssh_key(actor(alice), key)
    accounts.add_access_rule(actor(alice), alice, "192.0.2.0/24")
    return made


def sentences(user: User, cluster: Cluster) -> list[str]:
    found: list[str] = client_of(user).get(f"/api/v2/jobs/{cluster.job_id}/").json()["settingsChanged"]
    return found


def test_the_api_says_it(alice: User, cluster: Cluster) -> None:
    disabled, added = sentences(alice, cluster)
    assert disabled.startswith("The key 'Laptop' (SHA256:")
    assert disabled.endswith("was disabled.")
    assert added == "The rule 192.0.2.0/24 was added."


def test_the_page_says_it(alice: User, cluster: Cluster, client: Client) -> None:
    client.force_login(alice)
    shown = client.get(f"/jobs/{cluster.job_id}/").content.decode()
    assert "Changes since then" in shown
    assert "The rule 192.0.2.0/24 was added." in shown


def test_nothing_is_said_when_nothing_changed(alice: User, client: Client) -> None:
    made, _ = cluster_of(alice, Observed.EXECUTING)
    assert sentences(alice, made) == []
    client.force_login(alice)
    assert "Changes since then" not in client.get(f"/jobs/{made.job_id}/").content.decode()


def test_nothing_is_said_of_a_cluster_that_is_gone(alice: User, cluster: Cluster) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(observed_state=Observed.RELEASED)
    assert sentences(alice, cluster) == []


def test_a_disabled_key_is_not_said_to_be_the_jobs_key(alice: User) -> None:
    key = accounts.add_ssh_key(actor(alice), alice, "Laptop", public_key())
    accounts.disable_ssh_key(actor(alice), key)
    made, _ = cluster_of(alice)
    assert client_of(alice).get(f"/api/v2/jobs/{made.job_id}/").json()["publicKey"] is None
    assert "No SSH key is saved" in "".join(event.message for event in made.job.events.all())
