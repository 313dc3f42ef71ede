"""The Machines pages: administrators manage, people open terminals, nobody sees what is not theirs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import User
from jobs.models import Machine
from tests.factories import AccessRuleFactory, MachineFactory, TerminalSessionFactory, public_key
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db
KEY = public_key()
FORM = {
    "name": "Login node",
    "host": "login.example.org",
    "port": "22",
    "username": "sim",
    "host_key": KEY,
    "scheduler": "pbs",
    "who": "named",
    "people": "",
    "notes": "",
    "enabled": "on",
}
HTMX = {"HX-Request": "true"}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html(user: User, path: str) -> str:
    response = signed_in(user).get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_entry_is_there_for_those_who_have_one(admin: User, alice: User, charlie: User) -> None:
    link = 'href="/machines/"'
    assert link in html(admin, "/")
    assert link not in html(alice, "/")
    MachineFactory.create(people=[alice])
    assert link in html(alice, "/")
    assert link not in html(charlie, "/")


def test_the_list_of_a_person(alice: User, bob: User) -> None:
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    machine = MachineFactory.create(name="Login <node>", notes="Be\nkind", people=[alice, bob])
    MachineFactory.create(name="Hidden")
    page = html(alice, "/machines/")
    assert "Login &lt;node&gt;" in page
    assert "Be<br>kind" in page
    assert f'href="/machines/{machine.pk}/terminal/"' in page
    for word in ("Hidden", "bob", "Manage", "Add a machine", "no access rule"):
        assert word not in page


def test_an_address_in_no_rule_is_told_there(alice: User) -> None:
    MachineFactory.create(people=[alice])
    assert "Your address 127.0.0.1 is in no access rule" in html(alice, "/machines/")


def test_nothing_there(admin: User, charlie: User) -> None:
    assert "No machines yet" in html(admin, "/machines/")
    assert "No machine is open to you" in html(charlie, "/machines/")


def test_an_administrator_sees_for_whom_and_what_is_off(admin: User, alice: User) -> None:
    MachineFactory.create(people=[alice])
    MachineFactory.create(everyone=True)
    MachineFactory.create(enabled=False)
    MachineFactory.create(host_key_alarm_at="2026-01-01T00:00:00Z")
    page = html(admin, "/machines/")
    for words in (
        "alice",
        "Everyone who is signed in",
        "Administrators only",
        "Switched off",
        "Host key alarm",
    ):
        assert words in page
    assert page.count("/terminal/") == 2, "nobody is led to the other two"


def test_many_people_are_counted(admin: User) -> None:
    people = [User.objects.create_user(f"p{n}") for n in range(6)]
    MachineFactory.create(people=people)
    assert "p0, p1, p2, p3 and 2 more" in html(admin, "/machines/")


def test_adding(admin: User, alice: User, bob: User) -> None:
    client = signed_in(admin)
    response = client.post("/machines/new/", {**FORM, "people": "alice,  bob\nalice"}, follow=True)
    machine = Machine.objects.get()
    assert response.redirect_chain == [(f"/machines/{machine.pk}/", 302)]
    assert (machine.scheduler, set(machine.people.all())) == ("pbs", {alice, bob})
    page = response.content.decode()
    assert "Added “Login node”" in page
    assert "Match User sim\n    TrustedUserCAKeys /etc/ssh/headnode_user_authority" in page
    assert "from=&quot;127.0.0.1&quot; sim" in page
    assert machine.fingerprints[0] in page


def test_what_was_typed_comes_back_with_each_sentence(admin: User) -> None:
    typed = {**FORM, "host": "root@login", "port": "0", "people": "bobb", "who": "everyone"}
    response = signed_in(admin).post("/machines/new/", typed)
    page = response.content.decode()
    assert response.status_code == 400
    assert "Nothing was saved: 3 fields need a change." in page
    for words in ("field of its own", "1 to 65535", "“bobb”", 'value="root@login"', KEY):
        assert words in page
    assert not Machine.objects.exists()


def test_a_private_key_does_not_come_back(admin: User, make_key: Callable[..., Path]) -> None:
    private = make_key("ed25519").read_text()
    response = signed_in(admin).post("/machines/new/", {**FORM, "host_key": private})
    assert response.status_code == 400
    assert "This is a private key. It was not stored." in response.content.decode()
    assert private.split("\n")[1][:20] not in response.content.decode()


def test_changing(admin: User, alice: User) -> None:
    machine = MachineFactory.create(people=[alice])
    client = signed_in(admin)
    assert 'rows="2"' in client.get(f"/machines/{machine.pk}/").content.decode()
    response = client.post(f"/machines/{machine.pk}/", {**FORM, "who": "everyone", "people": "alice"})
    assert response.status_code == 302
    machine.refresh_from_db()
    assert (machine.name, machine.everyone, machine.host_keys) == ("Login node", True, [KEY])
    assert list(machine.people.all()) == [alice]
    client.post(f"/machines/{machine.pk}/", {k: v for k, v in FORM.items() if k != "enabled"})
    machine.refresh_from_db()
    assert (machine.enabled, machine.everyone) == (False, False)


def test_removing_asks_and_says_what_is_lost(admin: User, alice: User) -> None:
    machine = MachineFactory.create(people=[alice])
    session = TerminalSessionFactory.create(owner=alice, subject=machine.subject)
    client = signed_in(admin)
    page = client.post(f"/machines/{machine.pk}/remove/").content.decode()
    assert "The open terminal there ends at once." in page
    assert "The machine itself is not touched." in page
    assert Machine.objects.exists()
    response = client.post(f"/machines/{machine.pk}/remove/", {"confirmed": "1"}, follow=True)
    assert response.redirect_chain == [("/machines/", 302)]
    assert not Machine.objects.exists()
    session.refresh_from_db()
    assert session.end_reason == "machine_removed"


def test_the_alarm_is_on_the_page_and_cleared_after_asking(admin: User) -> None:
    machine = MachineFactory.create(host_key_alarm_at="2026-01-01T00:00:00Z", host_key_shown="SHA256:shown")
    client = signed_in(admin)
    assert "SHA256:shown" in client.get(f"/machines/{machine.pk}/").content.decode()
    client.post(f"/machines/{machine.pk}/clear-alarm/")
    machine.refresh_from_db()
    assert machine.host_key_alarm_at is not None
    client.post(f"/machines/{machine.pk}/clear-alarm/", {"confirmed": "1"})
    machine.refresh_from_db()
    assert machine.host_key_alarm_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_checking(node: Node, register: Any, admin: User, headers: dict[str, str]) -> None:
    machine = register(node)
    client, path = signed_in(admin), f"/machines/{machine.pk}/check/"
    page = client.post(path, headers=headers).content.decode()
    assert 'data-finding="works"' in page
    assert ("<html" in page) == (not headers)
    Machine.objects.update(host_keys=[public_key()])
    page = client.post(path, headers=headers).content.decode()
    assert 'data-finding="host_key_changed"' in page
    assert Machine.objects.get().fingerprints[0] in page
    node.stop()
    assert 'data-finding="unreachable"' in client.post(path, headers=headers).content.decode()


def test_the_terminal_page(alice: User, charlie: User) -> None:
    machine = MachineFactory.create(name="Login node", people=[alice])
    page = html(alice, f"/machines/{machine.pk}/terminal/")
    assert f'data-target="{escape(json.dumps({"machine": machine.pk}))}"' in page
    assert "&quot;job&quot;" not in page
    assert signed_in(charlie).get(f"/machines/{machine.pk}/terminal/").status_code == 404


@pytest.mark.parametrize("path", ["new/", "{}/", "{}/check/", "{}/clear-alarm/", "{}/remove/", "999/"])
def test_others_are_told_that_it_is_not_theirs(alice: User, path: str) -> None:
    machine = MachineFactory.create(people=[alice])
    client = signed_in(alice)
    for method in (client.get, client.post):
        response = method("/machines/" + path.format(machine.pk), {"confirmed": "1", **FORM})
        assert response.status_code == 403
    assert Machine.objects.count() == 1


@pytest.mark.parametrize("path", ["", "new/", "1/", "1/terminal/", "1/check/", "1/remove/"])
def test_nobody_is_signed_in(path: str) -> None:
    response = Client().get(f"/machines/{path}")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("number", [0, 12345, 10**30])
def test_a_number_no_machine_has(admin: User, number: int) -> None:
    client = signed_in(admin)
    for path in ("", "terminal/"):
        assert client.get(f"/machines/{number}/{path}").status_code == 404
