"""The HTTP API: tokens, malformed documents, repeated requests."""

import copy
from typing import Any

import pytest

from tests.jobs.simulator.simulator_process import Simulator


def test_without_the_token_nothing_is_told(shared_simulator: Simulator) -> None:
    for header in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        for method, path in (("GET", "/v1/clusters"), ("PUT", "/v1/clusters/Xx00xx"), ("PUT", "/v1/faults")):
            answer = shared_simulator.http.request(method, path, headers=header, json={})
            assert (answer.status_code, answer.json()["reason"]) == (401, "unauthorized")


def test_health_names_the_protection(shared_simulator: Simulator) -> None:
    health = shared_simulator.http.get("/healthz").json()
    assert (health["sandbox"], health["unprotected"]) == ("bubblewrap", [])


def change(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value replaced."""
    changed = copy.deepcopy(document)
    place: Any = changed
    *parents, last = path.split("/")
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("username", "root", "invalid_username"),
        ("username", "a b", "invalid_username"),
        ("username", "../../etc", "invalid_username"),
        ("username", 7, "invalid_username"),
        ("home", "/root", "invalid_home"),
        ("home", "/enc/uprod_other", "invalid_home"),
        ("broker_url", "file:///etc/passwd", "invalid_broker_url"),
        ("broker_url", "http://x/y?z=", "invalid_broker_url"),
        ("nodes", [], "invalid_nodes"),
        ("nodes", "head", "invalid_nodes"),
        ("nodes/0", None, "invalid_node"),
        ("nodes/0/name", "../head", "invalid_name"),
        ("nodes/0/name", "localhost", "invalid_name"),
        ("nodes/0/name", "a\nb", "invalid_name"),
        ("nodes/1/name", "head", "invalid_nodes"),
        ("nodes/1/role", "head", "invalid_nodes"),
        ("nodes/1/role", "king", "invalid_role"),
        ("nodes/0/cores", 0, "invalid_cores"),
        ("nodes/0/cores", True, "invalid_cores"),
        ("nodes/0/cores", 1.5, "invalid_cores"),
        ("nodes/0/memory_mb", -1, "invalid_memory_mb"),
        ("nodes/0/ssh_port", 70000, "invalid_ssh_port"),
        ("nodes/0/boot_seconds", 1e9, "invalid_boot_seconds"),
        ("nodes/0/boot_seconds", "4", "invalid_boot_seconds"),
        ("nodes/0/token", "", "invalid_token"),
    ],
)
def test_a_wrong_specification_is_refused(
    shared_simulator: Simulator, path: str, value: Any, reason: str
) -> None:
    document = shared_simulator.spec("Bad001")
    if path.startswith("nodes/0") and path.count("/") == 1:
        document["nodes"][0] = value
    else:
        document = change(document, path, value)
    answer = shared_simulator.http.put("/v1/clusters/Bad001", json=document)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason), answer.text
    assert answer.json()["message"]
    assert shared_simulator.http.get("/v1/clusters/Bad001").status_code == 404


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b'"x"', b"null"])
def test_a_body_that_is_no_document_is_refused(shared_simulator: Simulator, body: bytes) -> None:
    for path in ("/v1/clusters/Bad002", "/v1/clusters/Ab12cd/access", "/v1/faults"):
        answer = shared_simulator.http.put(path, content=body)
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["reason"]


def test_too_many_nodes_and_too_large_a_body_are_refused(shared_simulator: Simulator) -> None:
    assert (
        shared_simulator.http.put(
            "/v1/clusters/Bad003", json=shared_simulator.spec("Bad003", computes=64)
        ).status_code
        == 400
    )
    assert shared_simulator.http.put("/v1/clusters/Bad003", content=b" " * (5 << 20)).status_code == 413


@pytest.mark.parametrize("cluster_id", ["..", "a" * 33, "%2e%2e", "a b", "Ab%00cd", "a%2fb"])
def test_a_wrong_id_makes_nothing(shared_simulator: Simulator, cluster_id: str) -> None:
    answer = shared_simulator.http.put(f"/v1/clusters/{cluster_id}", json=shared_simulator.spec("Bad004"))
    assert answer.status_code in (400, 404, 405), answer.text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"rules": ["10.0.0.0/33"]}, "invalid_rules"),
        ({"rules": "0.0.0.0/0"}, "invalid_rules"),
        ({"rules": [7]}, "invalid_rules"),
        ({"gateway_addresses": ["gateway"]}, "invalid_gateway_addresses"),
        ({"authorized_keys": ["a\nb"]}, "invalid_authorized_keys"),
        ({"user_authorities": {}}, "invalid_user_authorities"),
    ],
)
def test_a_wrong_access_document_changes_nothing(
    simulator: Simulator, keys: Any, words: dict[str, Any], reason: str
) -> None:
    cluster = simulator.create("Bad005", computes=0)
    answer = cluster.access(**words)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert cluster.ssh(keys["alice"], "true").returncode == 0


def test_putting_the_same_again_is_answered_and_another_is_refused(simulator: Simulator) -> None:
    cluster = simulator.create("Same01", computes=0)
    spec = simulator.spec("Same01", computes=0)
    again = simulator.http.put(cluster.path, json=spec)
    assert again.status_code == 200
    assert again.json() == simulator.http.get(cluster.path).json()
    other = simulator.http.put(cluster.path, json=change(spec, "nodes/0/cores", 4))
    assert (other.status_code, other.json()["reason"]) == (409, "spec_differs")


def test_what_is_not_there_is_404(shared_simulator: Simulator) -> None:
    http = shared_simulator.http
    assert http.get("/v1/clusters/Nobody").status_code == 404
    assert http.delete("/v1/clusters/Nobody").status_code == 404
    assert http.put("/v1/clusters/Nobody/access", json={}).status_code == 404
    assert http.post("/v1/clusters/Nobody/nodes/head/stop", json={}).status_code == 404
    assert http.get("/elsewhere").json()["reason"] == "not_found"
    assert http.post("/v1/clusters", json={}).json()["reason"] == "wrong_method"


def test_the_socket_and_the_token_are_for_their_owner_alone(shared_simulator: Simulator) -> None:
    for name in ("s.sock", "token"):
        assert (shared_simulator.folder / name).stat().st_mode & 0o077 == 0
    assert shared_simulator.var.stat().st_mode & 0o077 == 0
