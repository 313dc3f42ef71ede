"""What nodes are promised by the context broker: the portal's own, and the one of the simulator's tests."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx
import pytest
from django.test import Client

from accounts.models import User
from jobs.context.tokens import token_of
from jobs.models import Cluster
from jobs.node_contract.boot_lines import BootStreamLine, PhaseMark
from jobs.node_contract.node_context import read_node_context
from jobs.node_contract.peers import read_peers
from tests.fakes.broker import Broker
from tests.jobs.making import HOST_KEYS, cluster_of
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db
REGISTRATION = {
    "host_keys": HOST_KEYS[:1],
    "address": "127.20.0.5",
    "port": 32100,
    "private_address": "127.20.0.5",
    "hostname": "ip-127-20-0-5",
}
REPORT = {"outcome": "ok", "log": "all well\n"}


class BrokerUnderTest(Protocol):
    """A broker, and a node that knows it."""

    username: str
    token: str

    def post(self, call: str, authorization: str, data: bytes) -> tuple[int, dict[str, str], Any]:
        """POST to it; return status, headers and document."""
        ...

    def wait_for_a_peer(self) -> None:
        """Let the node require something of a member that has not registered."""
        ...


class PortalsBroker:
    """The real one, through the portal's URLs and views."""

    def __init__(self, owner: User) -> None:
        cluster, _nodes = cluster_of(owner, slots=2)
        self.username, self.cluster = cluster.job.username, cluster
        self.token = token_of(cluster.pk, "head")

    def post(self, call: str, authorization: str, data: bytes) -> tuple[int, dict[str, str], Any]:
        headers = {"Authorization": authorization} if authorization else {}
        answer = Client().post(f"/context/v1/{call}/", data, content_type="application/json", headers=headers)
        return answer.status_code, dict(answer.headers), answer.json()

    def wait_for_a_peer(self) -> None:
        member = {"core_type": "emerald", "cores": 1, "scripts": {}}
        plan = {
            "members": [
                {"name": "head", "role": "head", "provides": [], "requires": ["client"], **member},
                {"name": "compute-1", "role": "compute", "provides": ["client"], "requires": [], **member},
            ]
        }
        Cluster.objects.filter(pk=self.cluster.pk).update(plan=plan)


class BrokerOfTests:
    """The fake."""

    username = "uprod_Fake01"
    token = "uprod_Fake01/head"

    def __init__(self) -> None:
        self.broker = Broker()

    def post(self, call: str, authorization: str, data: bytes) -> tuple[int, dict[str, str], Any]:
        headers = {"Authorization": authorization} if authorization else {}
        answer = httpx.post(
            f"{self.broker.url}{call}/", content=data, headers=headers, trust_env=False, timeout=LIMIT
        )
        return (
            answer.status_code,
            {name.title(): value for name, value in answer.headers.items()},
            answer.json(),
        )

    def wait_for_a_peer(self) -> None:
        self.broker.peers = lambda: {"waiting_for": {"client": ["compute-1"]}, "ask_again_seconds": 0.1}


@pytest.fixture(params=["portal", "fake"])
def broker(request: pytest.FixtureRequest) -> Iterator[BrokerUnderTest]:
    """Each broker in turn."""
    if request.param == "portal":
        yield PortalsBroker(request.getfixturevalue("alice"))
        return
    fake = BrokerOfTests()
    yield fake
    fake.broker.close()


def post(broker: BrokerUnderTest, call: str, body: Any) -> tuple[int, Any]:
    status, _, answer = broker.post(call, f"Node {broker.token}", json.dumps(body).encode())
    return status, answer


def refusal(broker: BrokerUnderTest, call: str, body: Any) -> tuple[int, str]:
    """Return status and reason of a call that is refused; it has a sentence, too."""
    status, answer = post(broker, call, body)
    assert set(answer) == {"reason", "detail"}, answer
    assert answer["detail"].endswith((".", ")")), answer
    return status, answer["reason"]


def line(sequence: int, text: str = "sshd: listening") -> dict[str, Any]:
    return BootStreamLine(sequence, datetime(2026, 1, 2, tzinfo=UTC), "hosts", PhaseMark.NOTE, text).as_json()


def test_a_node_is_told_everything_that_it_reads(broker: BrokerUnderTest) -> None:
    status, answer = post(broker, "register", REGISTRATION)
    assert status == 200
    assert set(answer) == {
        *("username", "home", "authorized_keys", "withdrawn", "rules", "user_authorities"),
        *("gateway_addresses", "ssh_access_off", "version", "host_certificates", "environment", "motd"),
        *("member", "phases", "data", "members", "on_error", "peers"),
    }
    context = read_node_context(answer, broker.username)
    assert answer["home"] == f"/enc/{broker.username}"
    assert context.access.version == 1
    assert context.access.gateway_addresses
    assert answer["member"] == {"name": "head", "role": "head", "provides": [], "requires": []}
    [own] = [member for member in answer["members"] if member["name"] == "head"]
    assert set(own) == {"name", "role", "core_type", "cores", "provides"}
    assert [set(phase) for phase in answer["phases"]] == [{"name", "timeout_seconds", "script"}] * 5
    assert context.environment["RESCALE_JOB_ID"]


def test_the_same_registration_again_gets_a_newer_document(broker: BrokerUnderTest) -> None:
    post(broker, "register", REGISTRATION)
    status, answer = post(broker, "register", REGISTRATION)
    assert (status, answer["version"]) == (200, 2)


def test_a_replay_with_other_host_keys_is_refused(broker: BrokerUnderTest) -> None:
    post(broker, "register", REGISTRATION)
    replay = {**REGISTRATION, "host_keys": HOST_KEYS[1:]}
    assert refusal(broker, "register", replay) == (409, "token_replayed")


def test_a_report_spends_the_token(broker: BrokerUnderTest) -> None:
    post(broker, "register", REGISTRATION)
    assert post(broker, "progress", {"lines": [line(1)]}) == (200, {})
    assert post(broker, "report", {**REPORT, "lines": [line(1), line(2)]}) == (200, {})
    assert post(broker, "report", REPORT) == (200, {})  # its answer got lost
    assert post(broker, "progress", {"lines": [line(1)]}) == (200, {})
    assert refusal(broker, "register", REGISTRATION) == (409, "token_spent")
    assert refusal(broker, "report", {"outcome": "error", "log": ""}) == (409, "token_spent")
    assert refusal(broker, "progress", {"lines": [line(3)]}) == (409, "token_spent")
    assert refusal(broker, "peers", {}) == (409, "token_spent")


@pytest.mark.parametrize(
    ("call", "body"), [("peers", {}), ("progress", {"lines": [line(1)]}), ("report", REPORT)]
)
def test_nothing_is_taken_before_the_registration(
    broker: BrokerUnderTest, call: str, body: dict[str, Any]
) -> None:
    assert refusal(broker, call, body) == (409, "not_registered")


def test_a_line_that_was_sent_with_other_content(broker: BrokerUnderTest) -> None:
    post(broker, "register", REGISTRATION)
    post(broker, "progress", {"lines": [line(1)]})
    assert refusal(broker, "progress", {"lines": [line(1, "something else")]}) == (409, "line_differs")


@pytest.mark.parametrize(
    ("call", "body", "reason"),
    [
        ("register", {**REGISTRATION, "host_keys": []}, "bad_registration"),
        ("register", {**REGISTRATION, "port": 0}, "bad_registration"),
        ("register", {**REGISTRATION, "address": "nowhere"}, "bad_registration"),
        ("progress", {"lines": [{"sequence": 0}]}, "bad_lines"),
        ("progress", {}, "bad_lines"),
        ("report", {"outcome": "perhaps", "log": ""}, "bad_report"),
        ("report", {"outcome": "ok", "log": None}, "bad_report"),
        ("report", {**REPORT, "lines": "none"}, "bad_lines"),
        ("register", [], "not_json"),
    ],
)
def test_malformed_documents_are_refused(
    broker: BrokerUnderTest, call: str, body: dict[str, Any], reason: str
) -> None:
    if call != "register":
        post(broker, "register", REGISTRATION)
    assert refusal(broker, call, body) == (400, reason)


def test_what_is_no_json_is_refused(broker: BrokerUnderTest) -> None:
    status, _, answer = broker.post("register", f"Node {broker.token}", b"{")
    assert (status, answer["reason"]) == (400, "not_json")


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [("", "token_missing"), ("Bearer abc", "token_missing"), ("Node abc", "token_unknown")],
)
def test_a_caller_without_a_known_token_is_refused(
    broker: BrokerUnderTest, authorization: str, reason: str
) -> None:
    status, _, answer = broker.post("register", authorization, json.dumps(REGISTRATION).encode())
    assert (status, answer["reason"]) == (401, reason)


def test_peers_that_are_not_there_are_waited_for(broker: BrokerUnderTest) -> None:
    post(broker, "register", REGISTRATION)
    assert post(broker, "peers", {"some_will_do": False}) == (200, {"roles": {}})
    broker.wait_for_a_peer()
    status, headers, answer = broker.post("peers", f"Node {broker.token}", b"{}")
    assert (status, headers["Retry-After"]) == (202, "1")
    assert set(answer) == {"waiting_for", "ask_again_seconds"}
    peers = read_peers(answer)
    assert (peers.roles, dict(peers.absent)) == (None, {"client": ("compute-1",)})
