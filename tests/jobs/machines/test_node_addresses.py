"""A machine is never a node: not by any spelling of its address, not by a name, and not when a name changes later."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.refusals import SeveralRefused
from jobs.machines import machine_actions
from jobs.machines.draft import MachineDraft
from jobs.machines.machine_check import check_machine
from jobs.models import Machine, Node
from jobs.states import NodeState, Observed
from tests.factories import public_key
from tests.jobs.machines.test_terminals import ended, open_on, prepare
from tests.jobs.making import actor, cluster_of
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node as Sshd

NODE = "127.20.9.9"
ELSEWHERE = "198.51.100.9"  # of a node outside the usual networks


@pytest.fixture
def live_node(alice: User) -> Node:
    """A node of alice's that is up, at an address that no setting knows."""
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    Node.objects.filter(cluster=cluster).update(
        address=ELSEWHERE, port=22, state=NodeState.RUNNING, verified_at=timezone.now()
    )
    return Node.objects.get(cluster=cluster)


def register(admin: User, host: str) -> Machine:
    draft = MachineDraft(name=f"m {host}"[:80], host=host, username="sim", host_key=public_key())
    return machine_actions.add_machine(actor(admin), draft)[0]


def reasons(admin: User, host: str) -> list[str]:
    with pytest.raises(SeveralRefused) as caught:
        register(admin, host)
    assert not Machine.objects.exists()
    return [problem.reason for problem in caught.value.problems]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host",
    [NODE, f"::ffff:{NODE}", "::ffff:7f14:909", "[::ffff:127.20.9.9]", " 127.20.0.1 ", "127.20.255.254"],
)
def test_an_address_of_the_nodes_networks(host: str, admin: User) -> None:
    assert reasons(admin, host) == ["host_is_node"]


@pytest.mark.django_db
@pytest.mark.parametrize("host", [ELSEWHERE, f"::ffff:{ELSEWHERE}"])
def test_an_address_of_a_node_that_is_up(host: str, admin: User, live_node: Node) -> None:
    assert reasons(admin, host) == ["host_is_node"]
    Node.objects.update(state=NodeState.STOPPED)
    assert register(admin, host).host == ELSEWHERE, "and stored in the usual spelling"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host",
    [
        "2132019465",
        "0x7f140909",
        "0X7F140909",
        "0x7f.0x14.9.9",
        "0177.024.011.011",
        "127.20.2313",
        "127.20.9.0x9",
    ],
)
def test_another_spelling_of_an_ipv4_address_is_no_host(host: str, admin: User) -> None:
    """The system's look-up takes them for 127.20.9.9."""
    assert socket.inet_aton(host) == socket.inet_aton(NODE)
    assert reasons(admin, host) == ["host_invalid"]


@pytest.mark.django_db
@pytest.mark.parametrize("answers", [[NODE], ["192.0.2.7", NODE], [f"::ffff:{NODE}"]], ids=str)
def test_a_name_that_leads_to_a_node(
    answers: list[str], admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, answers)
    assert reasons(admin, "node.example.org") == ["host_is_node"]


@pytest.mark.django_db
def test_a_name_that_leads_elsewhere_or_nowhere_is_registered(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, ["192.0.2.7"])
    assert register(admin, "login.example.org").host == "login.example.org"
    resolve_to(monkeypatch, [])
    assert register(admin, "later.example.org").host == "later.example.org"


@pytest.mark.django_db
def test_a_machine_cannot_be_moved_to_a_node(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, [])
    machine = register(admin, "login.example.org")
    with pytest.raises(SeveralRefused) as caught:
        machine_actions.change_machine(actor(admin), machine, {"host": NODE})
    assert [problem.reason for problem in caught.value.problems] == ["host_is_node"]


@pytest.mark.django_db
def test_one_whose_name_leads_to_a_node_now_can_be_switched_off(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, [])
    machine = register(admin, "login.example.org")
    resolve_to(monkeypatch, [NODE])
    assert not machine_actions.change_machine(actor(admin), machine, {"enabled": False})[0].enabled


@pytest.mark.django_db(transaction=True)
async def test_a_name_that_leads_to_a_node_when_a_terminal_opens(
    desk: Desk, node: Sshd, register: Callable[..., Machine], alice: User, settings: Settings
) -> None:
    """The server is a real one that would let the portal in; only its address has become a node's."""
    machine = await prepare(register, node, host="localhost", people=[alice])
    settings.HEADNODE_NODE_NETWORKS = ["127.0.0.1/32"]
    session = await open_on(desk, machine, alice)
    end = await ended(desk, session, alice)
    assert end.reason == "address_forbidden"
    assert "publickey" not in node.log


@pytest.mark.django_db(transaction=True)
def test_a_node_at_the_address_of_a_machine_ends_its_check(
    node: Sshd, register: Callable[..., Machine], admin: User, live_node: Node
) -> None:
    machine = register(node)
    assert check_machine(actor(admin), machine).works
    Node.objects.filter(pk=live_node.pk).update(address="127.0.0.1")
    found = check_machine(actor(admin), machine)
    assert (found.works, found.reason) == (False, "address_forbidden")


def resolve_to(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    """Have every name look-up answer these addresses; none: the name is unknown."""

    def answer(host: str, port: Any, *arguments: Any, **words: Any) -> list[tuple[Any, ...]]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
