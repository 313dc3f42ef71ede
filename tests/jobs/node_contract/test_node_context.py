"""What a node is told: read from the broker's answer, and written as files that no name can lead elsewhere."""

from typing import Any

import pytest

from jobs.node_contract import context_files
from jobs.node_contract.context_files import Host
from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.node_context import NodePlan, read_node_context, read_plan
from jobs.node_contract.peers import Peer, contradictions, read_peers
from jobs.node_contract.phases import Phase

HOST = Host("head", "ip-127-20-1-1", "127.20.1.1", 32100, "ssh-ed25519 AAAA head")


def test_without_a_plan_a_node_does_every_phase_in_order() -> None:
    plan = read_plan({})
    assert plan == NodePlan(data={})
    assert [phase.name for phase in plan.phases] == list(Phase)


def test_phases_are_done_in_their_order_whatever_the_answers_order_is() -> None:
    plan = read_plan(
        {"phases": [{"name": "data", "script": "true"}, {"name": "hosts", "timeout_seconds": 5}]}
    )
    assert [phase.name for phase in plan.phases] == list(Phase)
    assert plan.phases[0].timeout_seconds == 5
    assert plan.phases[3].script == "true"


@pytest.mark.parametrize(
    "document",
    [
        {"phases": [{"name": "lunch"}]},
        {"phases": [{"name": ["hosts"]}]},
        {"phases": [{"name": "hosts", "timeout_seconds": 0}]},
        {"data": {"../escape": "x"}},
        {"data": {".hidden": "x"}},
        {"data": {"name": 1}},
        {"member": {"provides": ["a/b"]}},
        {"members": [{"name": "a\nb"}]},
        {"peers": {"roles": {"nfs": [{"name": "../x"}]}}},
        {"peers": []},
    ],
)
def test_a_malformed_plan_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        read_plan(document)


def test_a_context_for_another_user_or_with_wrong_variables_is_refused() -> None:
    good = {"username": "alice", "environment": {"A": "1"}, "motd": "hello"}
    assert read_node_context(good, "alice").own_part_as_json() == {
        "environment": {"A": "1"},
        "host_certificates": [],
        "motd": "hello",
    }
    for wrong in ({"username": "bob"}, {"environment": {"A=B": "1"}}, {"environment": {"A": "\0"}}):
        with pytest.raises(InvalidDocument):
            read_node_context({**good, **wrong}, "alice")


def test_peers_are_there_or_waited_for_or_lost() -> None:
    there = read_peers({"roles": {"nfs": [{"name": "head", "address": "127.20.1.1", "host_keys": ["k"]}]}})
    assert there.all_peers() == [Peer("head", "127.20.1.1", ("k",))]
    waiting = read_peers({"waiting_for": {"nfs": ["head"]}, "ask_again_seconds": 1000})
    assert (waiting.roles, waiting.is_lost, waiting.ask_again_seconds) == (None, False, 1.0)
    assert read_peers({"lost": {"nfs": ["head"]}}).is_lost


def test_a_peer_that_the_network_knows_otherwise_is_a_contradiction() -> None:
    hosts = {"head": HOST}
    assert contradictions([Peer("head", HOST.address, ("ssh-ed25519 AAAA",))], hosts) == []
    wrong = [
        Peer("other", HOST.address, ()),
        Peer("head", "127.20.9.9", ("ssh-ed25519 AAAA",)),
        Peer("head", HOST.address, ("ssh-ed25519 BBBB",)),
    ]
    assert len(contradictions(wrong, hosts)) == 3


def test_the_files_of_a_node() -> None:
    files = context_files.role_files({"nfs": ["head"]}, {"head": HOST})
    assert files["roles/nfs/names"] == "head\n"
    assert files["roles/nfs/hosts"] == "127.20.1.1\tip-127-20-1-1 head\n"
    assert files["roles/nfs/known_hosts"] == "ip-127-20-1-1,head,127.20.1.1 ssh-ed25519 AAAA head\n"
    assert context_files.own_files("head", "head", ("nfs", "db"), ())["provides"] == "nfs\ndb\n"
    assert context_files.data_files({"x": "1"}) == {"data/x": "1"}
