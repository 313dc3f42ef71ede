"""A trusted proxy that sends no valid client address: no rule allows the client, and nothing fails."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import services
from accounts.audit.trail import Actor, digest
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.access import node_access
from tests.api import client_of
from tests.factories import NodeFactory, SSHKeyFactory, public_key

pytestmark = pytest.mark.django_db
PROXY = "10.0.0.5"
# The values of a WSGI environment are of any type.
UNPLACED: dict[str, Any] = {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "203.0.113.9, unknown"}


@pytest.fixture(autouse=True)
def open_rules(alice: User, settings: Settings) -> None:
    """Rules that allow the proxy, and everybody who has an address."""
    settings.HEADNODE_TRUSTED_PROXIES = [PROXY]
    for block in (f"{PROXY}/32", "0.0.0.0/0", "::/0"):
        services.add_access_rule(Actor(alice), alice, block)


def test_the_api_says_that_it_may_not_connect(alice: User) -> None:
    said = client_of(alice).get("/api/v2/users/me/job-settings/", **UNPLACED).json()
    assert (said["currentAddress"], said["currentAddressAllowed"]) == ("", False)
    assert client_of(alice).get("/api/v2/users/me/access-rules/", **UNPLACED)["X-Source-Address"] == ""


def test_no_terminal_opens(alice: User) -> None:
    node = NodeFactory.create(cluster__job__owner=alice)
    with pytest.raises(Refused, match="did not say which address") as caught:
        node_access.terminal_target(alice, node.cluster.job, "head", "")
    assert (caught.value.reason, caught.value.status) == ("cidr_denied", 403)


def test_pages_say_it_instead_of_offering_the_proxys_address(alice: User) -> None:
    node = NodeFactory.create(cluster__job__owner=alice)
    SSHKeyFactory.create(owner=alice)
    client = Client()
    client.force_login(alice)
    for path in ("/settings/job/", f"/jobs/{node.cluster.job_id}/"):
        page = client.get(path, **UNPLACED)
        assert page.status_code == 200
        assert any(text in page.content for text in (b"did not say which address", b"hides your address"))
        assert f"Allow {PROXY}".encode() not in page.content
        assert b'id="add-own-address"' not in page.content


def test_the_audit_trail_holds_none_and_its_hash_stays_right(alice: User) -> None:
    answer = client_of(alice).post(
        "/api/v2/users/me/ssh-keys/", {"publicKey": public_key()}, format="json", **UNPLACED
    )
    assert answer.status_code == 201
    event = AuditEvent.objects.get(action="accounts:ssh_key:added")
    assert event.source_address is None
    assert digest(event) == event.hash


def test_nobody_signs_in_less(alice: User) -> None:
    """Failed attempts are limited by address. Clients without one share a limit."""
    answer = Client().post(
        "/accounts/login/", {"login": "alice", "password": "correct horse battery"}, **UNPLACED
    )
    assert answer.status_code == 302


def test_metrics_stay_closed_and_blocks_are_read_like_rules(settings: Settings) -> None:
    settings.HEADNODE_METRICS_ADDRESSES = ["0.0.0.0/0", "::/0"]
    assert Client().get("/metrics", **UNPLACED).status_code == 403
    settings.HEADNODE_METRICS_ADDRESSES = ["192.0.2.7/24"]  # not the block's first address
    assert Client().get("/metrics", REMOTE_ADDR="192.0.2.9").status_code == 200
    assert Client().get("/metrics", REMOTE_ADDR="198.51.100.9").status_code == 403
