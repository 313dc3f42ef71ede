"""The context document: a node reads it with the contract, and finds in it what the portal wrote."""

from typing import Any, get_type_hints

import pytest

from accounts.models import User
from jobs.context import broker
from jobs.context.context_plan import ContextPlan, ContextPolicy, Member, OnError
from jobs.context.tokens import token_of
from jobs.models import Cluster
from jobs.node_contract.access_document import AccessDocument
from jobs.node_contract.node_context import NodeContextFields, PhaseSpec, read_node_context
from jobs.node_contract.phases import Phase
from jobs.node_contract.registration import Registration
from tests.jobs.making import HOST_KEYS, cluster_of

PLAN = ContextPlan(
    members=(
        Member("head", "head", "emerald", 2, ("server", "db"), ("client",), {Phase.DATA: "echo hello\n"}),
        Member("compute-1", "compute", "emerald", 1, ("client",)),
    ),
    data={"greeting": "good day"},
    phase_timeouts={Phase.DATA: 7},
    policy=ContextPolicy(OnError.HOLD),
)


@pytest.fixture
def document(alice: User) -> dict[str, Any]:
    """What the head receives on registering, after `compute-1` has registered."""
    cluster, _ = cluster_of(alice, slots=2)
    Cluster.objects.filter(pk=cluster.pk).update(plan=PLAN.as_json())
    answer: dict[str, Any] = {}
    for number, name in enumerate(("compute-1", "head")):
        address = f"127.20.0.{5 + number}"
        registration = Registration((HOST_KEYS[number],), address, 32100, address, f"ip-{number}")
        answer = broker.register(token_of(cluster.pk, name), registration.as_json(), "")
    return answer


@pytest.mark.django_db
def test_it_has_the_fields_of_the_contract(document: dict[str, Any]) -> None:
    assert set(document) == set(get_type_hints(NodeContextFields)) | set(AccessDocument().as_json())


@pytest.mark.django_db
def test_a_node_reads_what_the_portal_wrote(document: dict[str, Any]) -> None:
    context = read_node_context(document, document["username"])
    plan = context.plan
    assert context.access.version > 0
    assert context.environment["HEADNODE_NODES"] == "head compute-1"
    assert context.motd.endswith("head of 2 (Emerald).")
    assert len(context.host_certificates) == 1
    assert (plan.provides, plan.requires) == (("server", "db"), ("client",))
    assert plan.phases[3:] == (PhaseSpec(Phase.DATA, 7, "echo hello\n"), PhaseSpec(Phase.FINALIZE))
    assert plan.data == PLAN.data
    assert plan.members == (
        ("head", "head", "emerald", "2", "server,db"),
        ("compute-1", "compute", "emerald", "1", "client"),
    )
    assert plan.stays_on_error
    (peer,) = plan.peers.all_peers()
    assert (peer.name, peer.address, peer.host_keys) == ("compute-1", "127.20.0.5", (HOST_KEYS[0],))
