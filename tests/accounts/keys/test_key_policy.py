"""The administrator's key policy: types and sizes of keys, and how wide a rule may be."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import services
from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused
from portal.configuration import reader
from tests.accounts.keys.key_corpus import blobs
from tests.api import client_of
from tests.factories import public_key

pytestmark = pytest.mark.django_db
RSA_2048 = blobs.line("ssh-rsa", blobs.rsa(2048))
RSA_3072 = blobs.line("ssh-rsa", blobs.rsa(3072))


def refused(user: User, text: str) -> Refused:
    with pytest.raises(Refused) as caught:
        services.add_ssh_key(Actor(user), user, "key", text)
    return caught.value


def test_a_type_that_is_not_allowed(alice: User, settings: Settings) -> None:
    settings.HEADNODE_KEY_TYPES = ["sk-ssh-ed25519@openssh.com", "ssh-ed25519"]
    refusal = refused(alice, RSA_3072)
    assert (refusal.reason, refusal.field) == ("key_type_not_allowed", "public_key")
    assert "sk-ssh-ed25519@openssh.com, ssh-ed25519" in refusal.message
    services.add_ssh_key(Actor(alice), alice, "key", public_key())


def test_a_short_rsa_key(alice: User, settings: Settings) -> None:
    services.add_ssh_key(Actor(alice), alice, "key", RSA_2048)
    settings.HEADNODE_RSA_MIN_BITS = 3072
    refusal = refused(alice, blobs.line("ssh-rsa", blobs.rsa(2048, exponent=3)))
    assert refusal.reason == "rsa_below_floor"
    assert "2048 bits; your administrator requires 3072" in refusal.message
    services.add_ssh_key(Actor(alice), alice, "key", RSA_3072)


def test_a_key_that_a_stricter_policy_forbids_says_so_and_stays_off(alice: User, settings: Settings) -> None:
    key = services.add_ssh_key(Actor(alice), alice, "key", RSA_2048)
    settings.HEADNODE_RSA_MIN_BITS = 3072
    url = f"/api/v2/users/me/ssh-keys/{key.pk}/"
    assert client_of(alice).get(url).json()["standing"] == "not_allowed"
    client_of(alice).patch(url, {"disabled": True}, format="json")
    answer = client_of(alice).patch(url, {"disabled": False}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (400, "rsa_below_floor")


@pytest.mark.parametrize(
    "block", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "10.0.0.0/7", "2000::/3", "::ffff:0:0/96"]
)
def test_everywhere_is_refused_when_it_may_not_be_chosen(alice: User, settings: Settings, block: str) -> None:
    settings.HEADNODE_ALLOW_EVERYWHERE = False
    with pytest.raises(Refused) as caught:
        services.add_access_rule(Actor(alice), alice, block)
    assert (caught.value.reason, caught.value.field) == ("everywhere_not_allowed", "cidr")


@pytest.mark.parametrize("block", ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"])
def test_narrow_rules_stay_possible(alice: User, settings: Settings, block: str) -> None:
    settings.HEADNODE_ALLOW_EVERYWHERE = False
    services.add_access_rule(Actor(alice), alice, block)


def test_the_page_does_not_offer_what_is_refused(alice: User, client: Client, settings: Settings) -> None:
    client.force_login(alice)
    shown = client.get("/settings/job/").content.decode()
    assert "Allow everywhere" in shown
    assert "Create a key for me" in shown
    settings.HEADNODE_ALLOW_EVERYWHERE = False
    settings.HEADNODE_KEY_TYPES = ["ssh-rsa"]
    shown = client.get("/settings/job/").content.decode()
    assert "Allow everywhere" not in shown
    assert "Create a key for me" not in shown
    answer = client.post("/settings/job/rules/", {"preset": "everywhere"}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "not allowed here" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HEADNODE_KEY_TYPES", "ssh-dss"),
        ("HEADNODE_KEY_TYPES", "ssh-ed25519,ssh-dss"),
        ("HEADNODE_RSA_MIN_BITS", "1024"),
        ("HEADNODE_RSA_MIN_BITS", "99999"),
    ],
)
def test_a_wrong_setting_is_a_sentence(name: str, text: str) -> None:
    assert any(
        name in problem for problem in reader.read_configuration({"HEADNODE_DEMO": "1", name: text}).problems
    )
