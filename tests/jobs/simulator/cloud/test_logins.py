"""Login records: who logged in with what from where, numbered, and kept over a restart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.simulator.cloud.login_records import KEPT, PAGE, LoginRecords
from tests.accounts.keys.key_corpus.tools import listed
from tests.jobs.simulator.conftest import public
from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.jobs.simulator.ssh_server.test_access import certificate


def logins(cluster: Cluster, after: object = 0) -> list[dict[str, Any]]:
    answer = cluster.simulator.http.get(f"{cluster.path}/logins?after={after}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["logins"]
    return found


def newest(cluster: Cluster) -> int:
    """Return the sequence of the last login."""
    after = 0
    while page := logins(cluster, after):
        after = page[-1]["sequence"]
    return after


def test_a_login_with_a_key_is_written_down(cluster: Cluster, keys: dict[str, Path]) -> None:
    before = newest(cluster)
    assert cluster.ssh(keys["alice"], "true", node="compute-1", extra=("-b", "127.0.0.1")).returncode == 0
    (record,) = logins(cluster, before)
    said = listed(public(keys["alice"]))
    assert said is not None
    assert record["fingerprint"] == said.fingerprint
    assert (record["node"], record["username"], record["source_address"]) == (
        "compute-1",
        cluster.user,
        "127.0.0.1",
    )
    assert record["sequence"] == before + 1
    assert "certificate" not in record


def test_a_refused_login_is_not(cluster: Cluster, keys: dict[str, Path]) -> None:
    before = newest(cluster)
    assert cluster.ssh(keys["bob"], "true").returncode == 255
    assert cluster.ssh(keys["alice"], "true", extra=("-b", "127.0.0.7")).returncode == 255
    assert logins(cluster, before) == []


def test_a_certificate_is_named_by_its_key_id(
    cluster: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    before = newest(cluster)
    assert cluster.ssh(certificate(keys, tmp_path, cluster.user), "true").returncode == 0
    (record,) = logins(cluster, before)
    assert record["certificate"] == "gateway"
    assert "fingerprint" not in record
    assert "authority" not in record


def test_a_certificate_of_an_authority_of_the_nodes_own_names_the_authority(
    simulator: Simulator, keys: dict[str, Path], tmp_path: Path
) -> None:
    """A line `cert-authority` in the home's authorized_keys lets in whoever that authority signs."""
    made = simulator.create("Auth01", computes=0)
    simulator.broker.context["user_authorities"] = []
    assert made.access(user_authorities=[]).status_code == 200
    signed = certificate(keys, tmp_path, made.user)
    assert made.ssh(signed, "true").returncode == 255
    line = f"cert-authority {public(keys['authority'])}"
    assert made.ssh(keys["alice"], f"mkdir -p ~/.ssh; echo '{line}' > ~/.ssh/authorized_keys").returncode == 0
    before = newest(made)
    assert made.ssh(signed, "true").returncode == 0
    (record,) = logins(made, before)
    said = listed(public(keys["authority"]))
    assert said is not None
    assert (record["certificate"], record["authority"]) == ("gateway", said.fingerprint)


def test_nodes_among_themselves_are_not(cluster: Cluster, keys: dict[str, Path]) -> None:
    before = newest(cluster)
    assert cluster.ssh(keys["alice"], "ssh", "compute-1", "true").returncode == 0
    assert len(logins(cluster, before)) == 1


def test_wrong_cursors_and_clusters_are_refused(cluster: Cluster) -> None:
    http = cluster.simulator.http
    for after in ("-1", "x", "9" * 30, "²"):
        answer = http.get(f"{cluster.path}/logins", params={"after": after})
        assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_after")
    assert http.get("/v1/clusters/nobody/logins?after=0").status_code == 404


def test_records_outlive_a_killed_simulator(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    simulator = simulators()
    made = simulator.create("Lg12cd", computes=0)
    assert made.ssh(keys["alice"], "true").returncode == 0
    before = logins(made)
    assert len(before) == 1
    simulator.end(9)
    simulator.start()
    made.wait("running")
    assert logins(made) == before
    assert made.ssh(keys["alice"], "true").returncode == 0
    assert [record["sequence"] for record in logins(made)] == [1, 2]


def test_the_records_are_bounded_on_disk_and_in_answers(tmp_path: Path) -> None:
    path = tmp_path / "logins.jsonl"
    records = LoginRecords(path)
    for _ in range(5 * KEPT):
        records.add("head", "alice", "127.0.0.1", fingerprint="SHA256:x")
    assert len(path.read_text().splitlines()) <= 2 * KEPT
    assert len(records.after(0)) == PAGE
    assert records.after(0)[0]["sequence"] == 4 * KEPT + 1
    again = LoginRecords(path)
    assert again.after(5 * KEPT - 1) == records.after(5 * KEPT - 1)


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "logins.jsonl"
    LoginRecords(path).add("head", "alice", "127.0.0.1", certificate="gateway")
    path.write_text(path.read_text() + '{"sequence": 2, "at"')
    again = LoginRecords(path)
    again.add("head", "alice", "127.0.0.1", certificate="gateway")
    assert [record["sequence"] for record in again.after(0)] == [1, 2]
    assert LoginRecords(path).after(0) == again.after(0)
