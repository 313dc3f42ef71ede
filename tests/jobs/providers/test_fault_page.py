"""The administrators' page of the simulated cloud: who gets in, what it says, what its buttons do."""

import html

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from jobs.providers import registry
from jobs.providers.fault_labels import LABELS
from jobs.providers.simulated import SimulatedProvider
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import cluster_of
from tests.jobs.simulator.simulator_process import Simulator

pytestmark = pytest.mark.django_db
PAGE = "/administration/simulated-cloud/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, status: int = 200) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_only_administrators_see_it_or_its_entry(cloud: Simulator, admin: User, alice: User) -> None:
    link = f'href="{PAGE}"'
    assert link in signed_in(admin).get("/").content.decode()
    assert link not in signed_in(alice).get("/").content.decode()
    for client, status in ((signed_in(alice), 403), (Client(), 302)):
        assert client.get(PAGE).status_code == status
        for verb in ("on", "off", "cores"):
            assert client.post(f"{PAGE}{verb}/", {"name": "api_down"}).status_code == status
    assert cloud.http.get("/v1/faults").json()["faults"] == []


def test_every_fault_the_cloud_has_is_there_in_words(cloud: Simulator, admin: User) -> None:
    kinds = {kind["name"] for kind in cloud.http.get("/v1/faults").json()["kinds"]}
    assert kinds == set(LABELS)
    page = text(signed_in(admin))
    for form in LABELS.values():
        assert str(form.title) in page
        assert str(form.text) in page
    assert "No fault is on." in page


def test_one_is_switched_on_shown_and_switched_off(cloud: Simulator, admin: User, alice: User) -> None:
    cluster, _ = cluster_of(alice, slots=2, name="Wing")
    client = signed_in(admin)
    assert "cluster-001, Wing (alice)" in text(client)
    form = {"name": "slow_boot", "cluster": cluster.pk, "node": "compute-1", "seconds": "90"}
    assert client.post(f"{PAGE}on/", form).status_code == 302
    page = text(client)
    assert "“Slow boot” is on." in page
    for text_on_page in ("cluster-001 (alice), compute-1", "90 s longer"):
        assert text_on_page in page
    assert client.post(f"{PAGE}off/", form).status_code == 302
    assert "No fault is on." in text(client)
    assert AuditEvent.objects.filter(action__startswith="jobs:fault:", via="page").count() == 2


def test_what_ends_by_itself_says_when(cloud: Simulator, admin: User) -> None:
    client = signed_in(admin)
    client.post(f"{PAGE}on/", {"name": "api_slow", "cluster": "next"})
    client.post(f"{PAGE}on/", {"name": "no_capacity", "seconds": "500"})
    page = text(client)
    for text_on_page in ("the next launch", "5 s each", "every cluster", "ends by itself in 500 s"):
        assert text_on_page in page


def test_a_mistake_is_said_at_its_field_and_nothing_typed_is_lost(cloud: Simulator, admin: User) -> None:
    client = signed_in(admin)
    for form, text_on_page in (
        ({"name": "slow_boot", "seconds": "soon"}, "Seconds are a number, such as 60."),
        ({"name": "slow_boot", "node": "Kopf"}, "A node is named like head or compute-1."),
        ({}, "Choose one of the faults."),
    ):
        answer = client.post(f"{PAGE}on/", form)
        page = html.unescape(answer.content.decode())
        assert answer.status_code == 400
        assert text_on_page in page
        for value in form.values():
            assert f'value="{value}"' in page


def test_cores_are_set_and_given_back(cloud: Simulator, admin: User) -> None:
    client = signed_in(admin)
    assert 'value="64"' in text(client)
    assert client.post(f"{PAGE}cores/", {"core_type": "emerald", "cores": "12"}).status_code == 302
    assert 'value="12"' in text(client)
    answer = client.post(f"{PAGE}cores/", {"core_type": "emerald", "cores": "many"})
    assert answer.status_code == 400
    assert "Cores are a whole number, such as 512." in answer.content.decode()
    assert 'value="many"' in answer.content.decode()
    client.post(f"{PAGE}cores/", {"core_type": "emerald", "cores": "12", "usual": "1"})
    assert 'value="64"' in text(client)


def test_where_clusters_are_real_it_says_so(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "provider_named", lambda name: ProviderWhoseNodesNeverReport())
    client = signed_in(admin)
    page = text(client)
    assert "Nothing to break here" in page
    assert "The clusters of this portal are real" in page
    assert client.post(f"{PAGE}on/", {"name": "api_down"}).status_code == 409


def test_a_cloud_that_is_away_is_said(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    away = SimulatedProvider("unix:/nowhere/s.sock", "/nowhere/token")
    monkeypatch.setattr(registry, "provider_named", lambda name: away)
    page = text(signed_in(admin), 503)
    assert "The simulated cloud does not answer" in page
    assert "Traceback" not in page
