"""/machines/: administrators register them; alice sees hers with less, charlie sees none, others' hands stay off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from jobs.models import Machine
from sshgateway.models import TerminalSession
from tests.api import client_of
from tests.factories import AccessRuleFactory, MachineFactory, public_key
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db
URL = "/api/v2/machines/"
SESSIONS = "/api/v2/terminal-sessions/"
KEY = public_key()
BODY = {"name": "Login node", "host": "login.example.org", "username": "sim", "hostKey": KEY}


def post(user: User, **body: Any) -> Any:
    return client_of(user).post(URL, {**BODY, **body}, format="json")


def test_registering(admin: User, alice: User) -> None:
    response = post(admin, port=2222, scheduler="slurm", people=["alice"], notes="Be kind.")
    assert response.status_code == 201
    machine = Machine.objects.get()
    assert response.json() == {
        "id": machine.pk,
        "name": "Login node",
        "host": "login.example.org",
        "port": 2222,
        "username": "sim",
        "hostKey": KEY,
        "fingerprints": machine.fingerprints,
        "scheduler": "slurm",
        "notes": "Be kind.",
        "enabled": True,
        "everyone": False,
        "people": ["alice"],
        "hostKeyAlarmAt": None,
        "hostKeyShown": "",
        "addedAt": response.json()["addedAt"],
        "notice": None,
    }
    assert AuditEvent.objects.get(action="jobs:machine:added").via == "api"


def test_the_least_one_says(admin: User) -> None:
    response = post(admin).json()
    assert (response["port"], response["scheduler"], response["people"], response["everyone"]) == (
        22,
        "",
        [],
        False,
    )


def test_a_known_hosts_line_is_taken_with_a_notice(admin: User) -> None:
    response = post(admin, hostKey=f"login.example.org {KEY} comment").json()
    assert response["hostKey"] == KEY
    assert "all of them are for login.example.org" in response["notice"]


def test_every_problem_with_its_field(admin: User) -> None:
    response = post(admin, name="", host="root@x", port=70000, username="-x", hostKey="x", people=["bobb"])
    assert response.status_code == 400
    found = response.json()
    assert found.pop("reason") == "name_missing"
    assert set(found) == {"name", "host", "port", "username", "hostKey", "people"}
    assert all(isinstance(said, list) and said[0].endswith(".") for said in found.values())
    assert not Machine.objects.exists()


@pytest.mark.parametrize("field", ["name", "host", "username", "hostKey"])
@pytest.mark.parametrize("value", [None, [], {}, True])
def test_what_is_no_text(admin: User, field: str, value: Any) -> None:
    response = post(admin, **{field: value})
    assert (response.status_code, set(response.json())) == (400, {field})


def test_without_a_host_key_there_is_no_machine(admin: User) -> None:
    response = client_of(admin).post(URL, {k: v for k, v in BODY.items() if k != "hostKey"}, format="json")
    assert (response.status_code, set(response.json())) == (400, {"hostKey"})


def test_a_private_key_is_not_said_back(admin: User, make_key: Callable[..., Path]) -> None:
    private = make_key("ed25519").read_text()
    response = post(admin, hostKey=private)
    assert response.json()["reason"] == "private_key"
    assert private.split("\n")[1][:20] not in response.content.decode()


def test_changing_some_of_it(admin: User, alice: User, bob: User) -> None:
    machine = MachineFactory.create(people=[alice])
    response = client_of(admin).patch(f"{URL}{machine.pk}/", {"people": ["bob"], "port": 2200}, format="json")
    assert response.status_code == 200
    assert (response.json()["people"], response.json()["port"]) == (["bob"], 2200)
    assert response.json()["host"] == "login.example.org"
    bad = client_of(admin).patch(f"{URL}{machine.pk}/", {"port": 0}, format="json")
    assert (bad.status_code, set(bad.json())) == (400, {"port", "reason"})
    assert Machine.objects.get().port == 2200


def test_removing(admin: User) -> None:
    machine = MachineFactory.create()
    client = client_of(admin)
    assert client.delete(f"{URL}{machine.pk}/").status_code == 204
    assert client.delete(f"{URL}{machine.pk}/").status_code == 404
    assert client.get(f"{URL}{machine.pk}/").status_code == 404


def test_people_see_theirs_and_not_whose_else_it_is(alice: User, bob: User, charlie: User) -> None:
    machine = MachineFactory.create(people=[alice, bob])
    MachineFactory.create(people=[alice], enabled=False)
    (seen,) = client_of(alice).get(URL).json()["results"]
    assert sorted(seen) == sorted(
        ["id", "name", "host", "port", "username", "hostKey", "fingerprints", "scheduler", "notes"]
    )
    assert client_of(alice).get(f"{URL}{machine.pk}/").json() == seen
    assert client_of(charlie).get(URL).json()["results"] == []
    assert client_of(charlie).get(f"{URL}{machine.pk}/").status_code == 404


def test_only_administrators_write(alice: User) -> None:
    machine = MachineFactory.create(people=[alice])
    client = client_of(alice)
    for number in (machine.pk, 12345):
        for response in (
            client.post(URL, BODY, format="json"),
            client.patch(f"{URL}{number}/", {"everyone": True}, format="json"),
            client.delete(f"{URL}{number}/"),
            client.post(f"{URL}{number}/check/"),
            client.post(f"{URL}{number}/clear-alarm/"),
        ):
            assert (response.status_code, response.json()["reason"]) == (403, "not_administrator")
    assert Machine.objects.count() == 1
    assert not AuditEvent.objects.filter(object_type="machine").exists()


@pytest.mark.django_db(transaction=True)
def test_checking(node: Node, register: Any, admin: User) -> None:
    machine = register(node)
    response = client_of(admin).post(f"{URL}{machine.pk}/check/")
    found = response.json()
    assert (response.status_code, found["works"], found["reason"]) == (200, True, "works")
    assert found["pinned"] == machine.fingerprints
    Machine.objects.update(host_keys=[public_key()])
    found = client_of(admin).post(f"{URL}{machine.pk}/check/").json()
    assert (found["works"], found["reason"]) == (False, "host_key_changed")
    assert found["shown"].startswith("SHA256:")


def test_clearing_an_alarm(admin: User) -> None:
    machine = MachineFactory.create(host_key_alarm_at="2026-01-01T00:00:00Z", host_key_shown="SHA256:x")
    for _ in range(2):
        assert client_of(admin).post(f"{URL}{machine.pk}/clear-alarm/").status_code == 204
    assert Machine.objects.get().host_key_alarm_at is None


# --- terminals


@pytest.fixture
def machine(alice: User) -> Machine:
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    made: Machine = MachineFactory.create(name="Login node", people=[alice])
    return made


def open_on(user: User, number: Any, **more: Any) -> Any:
    return client_of(user).post(SESSIONS, {"machine": number, **more}, format="json")


def test_a_terminal_is_promised(alice: User, machine: Machine) -> None:
    response = open_on(alice, machine.pk, cols=132, rows=50)
    assert response.status_code == 201
    session = TerminalSession.objects.get()
    assert session.subject == f"machine:{machine.pk}"
    assert (session.address, session.port, session.principal) == ("login.example.org", 22, "sim")
    found = response.json()
    assert (found["machine"], found["job"], found["node"]) == (machine.pk, None, "Login node")
    assert found["websocketUrl"].endswith(f"/ws/terminal-sessions/{session.pk}/")
    assert client_of(alice).get(f"{SESSIONS}{session.pk}/").json()["machine"] == machine.pk


def test_only_those_who_may(alice: User, bob: User, charlie: User, machine: Machine) -> None:
    AccessRuleFactory.create(owner=bob, cidr="127.0.0.0/8")
    assert open_on(bob, machine.pk).status_code == 404
    assert open_on(charlie, machine.pk).status_code == 404
    machine.people.add(bob)
    assert open_on(bob, machine.pk).status_code == 201
    assert open_on(charlie, machine.pk).json()["reason"] == "not_found"


def test_from_an_address_in_no_rule(alice: User, machine: Machine) -> None:
    response = client_of(alice).post(
        SESSIONS, {"machine": machine.pk}, format="json", REMOTE_ADDR="198.51.100.4"
    )
    assert (response.status_code, response.json()["reason"]) == (403, "cidr_denied")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "job"),
        ({"job": None, "machine": None}, "job"),
        ({"job": "Ab12cd", "machine": 1}, "machine"),
        ({"machine": "x"}, "machine"),
        ({"machine": True}, "machine"),
        ({"machine": []}, "machine"),
    ],
)
def test_exactly_one_place_to_go_to(alice: User, body: dict[str, Any], field: str) -> None:
    response = client_of(alice).post(SESSIONS, body, format="json")
    assert response.status_code == 400
    assert isinstance(response.json()[field][0], str)


@pytest.mark.parametrize("number", [0, -1, 10**30, 12345])
def test_a_number_no_machine_has(alice: User, number: int) -> None:
    assert open_on(alice, number).status_code == 404
