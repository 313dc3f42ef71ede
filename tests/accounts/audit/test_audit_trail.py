"""Users see what they did and what was done to their objects, and nothing else."""

import pytest
from django.test import Client

from accounts import services
from accounts.audit.trail import Actor, record
from accounts.models import User
from jobs.events.audit_actions import JobsAuditAction
from tests.api import client_of
from tests.factories import public_key

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/audit-events/"


@pytest.fixture
def history(alice: User, bob: User) -> None:
    """alice saves a key and switches SSH off; bob stops a job of hers."""
    who = Actor(alice, "192.0.2.7", "page")
    services.add_ssh_key(who, alice, "Laptop", public_key())
    services.update_job_settings(who, alice, ssh_access=False)
    record(Actor(bob, "192.0.2.8", "api"), JobsAuditAction.JOB_STOPPED, "job", "Ab12cd", owner=alice)


@pytest.mark.usefixtures("history")
def test_its_person_sees_everything_newest_first(alice: User) -> None:
    page = client_of(alice).get(URL).json()
    assert page["count"] == 3
    stopped, switched, added = page["results"]
    assert (stopped["action"], stopped["actor"], stopped["owner"]) == ("jobs:job:stopped", "bob", "alice")
    assert switched["before"]["ssh_access"] is True
    assert switched["after"]["ssh_access"] is False
    assert (added["sourceAddress"], added["via"], added["after"]["name"]) == ("192.0.2.7", "page", "Laptop")
    assert set(added) == {
        "id", "at", "actor", "owner", "action", "objectType", "objectId", "sourceAddress", "via", "before", "after",
    }  # fmt: skip


@pytest.mark.usefixtures("history")
def test_who_acted_sees_that(bob: User) -> None:
    assert [row["action"] for row in client_of(bob).get(URL).json()["results"]] == ["jobs:job:stopped"]


@pytest.mark.usefixtures("history")
def test_charlie_sees_only_his_own(charlie: User, client: Client) -> None:
    assert client_of(charlie).get(URL).json()["results"] == []
    client.force_login(charlie)
    shown = client.get("/settings/audit/").content.decode()
    assert "Nothing yet." in shown
    assert "Laptop" not in shown


@pytest.mark.usefixtures("history")
def test_a_name_that_is_given_again_inherits_nothing(alice: User, charlie: User) -> None:
    alice.delete()
    User.objects.filter(pk=charlie.pk).update(username="alice")
    assert client_of(User.objects.get(pk=charlie.pk)).get(URL).json()["count"] == 0


@pytest.mark.usefixtures("history")
def test_it_comes_in_pages(alice: User) -> None:
    page = client_of(alice).get(URL, {"page_size": 2}).json()
    assert len(page["results"]) == 2
    rest = client_of(alice).get(URL, {"page_size": 2, "page": 2}).json()
    assert [row["action"] for row in rest["results"]] == ["accounts:ssh_key:added"]


def test_nobody_writes_it(alice: User) -> None:
    for verb in ("post", "put", "patch", "delete"):
        assert getattr(client_of(alice), verb)(URL, {}, format="json").status_code == 405
    assert Client().get(URL).status_code == 401


@pytest.mark.usefixtures("history")
def test_the_page_says_it_in_words(alice: User, client: Client) -> None:
    client.force_login(alice)
    shown = client.get("/settings/audit/").content.decode()
    for words in (
        "SSH key added",
        "Laptop",
        "Job Settings changed",
        "yes → no",
        "from 192.0.2.7",
        "by bob",
        "Job terminated",
    ):
        assert words in shown
    assert 'href="/settings/audit/" aria-current="page"' in shown
