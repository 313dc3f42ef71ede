"""Forwarding headers are used only from HEADNODE_TRUSTED_PROXIES: on pages, in the API and on websockets."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import services, source_address
from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from tests.api import client_of
from tests.factories import public_key

pytestmark = pytest.mark.django_db
PROXY, PERSON, LIE = "10.0.0.5", "192.0.2.7", "203.0.113.9"
Asked = Callable[[User, str, str], str]


def by_page(user: User, peer: str, header: str) -> str:
    client = Client()
    client.force_login(user)
    shown = client.get("/settings/job/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": header})
    return str(shown.context["address"])


def by_api(user: User, peer: str, header: str) -> str:
    answer = client_of(user).get(
        "/api/v2/users/me/job-settings/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=header
    )
    return str(answer.json()["currentAddress"])


def by_audit(user: User, peer: str, header: str) -> str:
    body = {"publicKey": public_key()}
    client_of(user).post(
        "/api/v2/users/me/ssh-keys/", body, format="json", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=header
    )
    return str(AuditEvent.objects.get(action="accounts:ssh_key:added").source_address)


def by_websocket(user: User, peer: str, header: str) -> str:
    scope = {"type": "websocket", "client": (peer, 1), "headers": [(b"x-forwarded-for", header.encode())]}
    return source_address.source_address_of(scope)


DOORS = pytest.mark.parametrize("asked", [by_page, by_api, by_audit, by_websocket])


@DOORS
def test_nobody_is_trusted_by_default(alice: User, asked: Asked) -> None:
    assert asked(alice, PROXY, PERSON) == PROXY


@DOORS
def test_a_trusted_proxy_is_believed(alice: User, settings: Settings, asked: Asked) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = [PROXY]
    assert asked(alice, PROXY, PERSON) == PERSON


@DOORS
def test_somebody_else_is_not(alice: User, settings: Settings, asked: Asked) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = [PROXY]
    assert asked(alice, LIE, PERSON) == LIE


@DOORS
def test_what_the_person_wrote_further_left_is_not(alice: User, settings: Settings, asked: Asked) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert asked(alice, PROXY, f"{LIE}, {PERSON}, 10.0.0.9") == PERSON


@DOORS
def test_addresses_in_ipv6_clothes(alice: User, settings: Settings, asked: Asked) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = [PROXY]
    assert asked(alice, f"::ffff:{PROXY}", f"::ffff:{PERSON}") == PERSON
    assert by_websocket(alice, PROXY, "[2001:db8::7]:4711") == "2001:db8::7"


def test_a_forged_header_gets_no_terminal(alice: User) -> None:
    """The rule allows PERSON, and nobody who only claims that address."""
    services.add_access_rule(Actor(alice), alice, PERSON)
    answer = client_of(alice).get(
        "/api/v2/users/me/job-settings/", REMOTE_ADDR=LIE, HTTP_X_FORWARDED_FOR=PERSON
    )
    assert answer.json()["currentAddressAllowed"] is False
