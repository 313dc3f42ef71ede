"""Job settings over the REST API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor
from accounts.models import AuditEvent, JobSettings, User
from accounts.services import job_settings, update_job_settings
from tests.api import client_of
from tests.factories import AccessRuleFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/job-settings/"


def _get(user: User, address: str = "192.0.2.9") -> dict[str, Any]:
    answer: dict[str, Any] = client_of(user).get(URL, REMOTE_ADDR=address).json()
    return answer


def test_the_defaults(alice: User) -> None:
    assert _get(alice) == {
        "autoTerminateCluster": True,
        "sshAccess": True,
        "currentAddress": "192.0.2.9",
        "currentAddressAllowed": False,
    }


def test_a_rule_lets_the_address_in(alice: User) -> None:
    AccessRuleFactory.create(owner=alice, cidr="192.0.2.0/24")

    assert _get(alice)["currentAddressAllowed"] is True
    assert _get(alice, "198.51.100.1")["currentAddressAllowed"] is False


def test_what_is_left_out_stays(alice: User) -> None:
    answer = client_of(alice).patch(
        URL, {"autoTerminateCluster": False, "currentAddress": "x"}, format="json"
    )

    assert answer.json()["autoTerminateCluster"] is False
    assert answer.json()["sshAccess"] is True
    assert job_settings(alice).auto_terminate_cluster is False


def test_with_ssh_off_no_address_is_allowed(alice: User) -> None:
    AccessRuleFactory.create(owner=alice, cidr="0.0.0.0/0")
    client_of(alice).patch(URL, {"sshAccess": False}, format="json")

    assert _get(alice)["currentAddressAllowed"] is False


@pytest.mark.parametrize("value", [None, "maybe", 7, [], {}])
def test_a_switch_is_on_or_off(alice: User, value: Any) -> None:
    answer = client_of(alice).patch(URL, {"sshAccess": value}, format="json")

    assert answer.status_code == 400
    assert isinstance(answer.json()["sshAccess"][0], str)
    assert job_settings(alice).ssh_access is True


def test_who_one_is(alice: User, settings: Settings) -> None:
    answer = client_of(alice).get("/api/v2/users/me/").json()

    assert answer["email"] == "alice@example.org"
    assert answer["maxJobHours"] == settings.HEADNODE_MAX_JOB_HOURS
    assert answer["company"]["projects"] == []
    assert answer["workspace"]["id"]


@pytest.mark.parametrize("path", [URL, "/settings/job/"])
def test_reading_the_settings_writes_nothing(alice: User, client: Client, path: str) -> None:
    client.force_login(alice)

    assert client.get(path).status_code == 200
    assert not JobSettings.objects.exists()


def test_the_defaults_are_not_taken_for_a_saved_row(alice: User) -> None:
    assert job_settings(alice)._state.adding
    assert job_settings(alice).owner == alice
    with pytest.raises(JobSettings.DoesNotExist):
        _ = alice.job_settings


def test_a_change_to_what_is_the_default_saves_nothing(alice: User) -> None:
    update_job_settings(Actor(alice), alice, ssh_access=True)

    assert not JobSettings.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_first_change_saves_the_row_and_names_it_in_the_audit_trail(alice: User) -> None:
    saved = update_job_settings(Actor(alice), alice, ssh_access=False)

    assert JobSettings.objects.get().ssh_access is False
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id) == (AccountsAuditAction.JOB_SETTINGS_CHANGED, str(saved.pk))
    assert (event.before["ssh_access"], event.after["ssh_access"]) == (True, False)


def test_two_first_changes_of_one_person_both_hold(alice: User) -> None:
    update_job_settings(Actor(alice), alice, ssh_access=False)
    update_job_settings(Actor(alice), alice, auto_terminate_cluster=False)

    row = JobSettings.objects.get(owner=alice)
    assert (row.ssh_access, row.auto_terminate_cluster) == (False, False)
