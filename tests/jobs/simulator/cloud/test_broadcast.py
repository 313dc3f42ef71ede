"""A message to every terminal of a cluster, as `wall` writes it; and which portal ordered a cluster."""

import io
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.jobs.simulator.simulator_process import Simulator, ended_afterwards


def open_terminal(command: list[str]) -> "subprocess.Popen[bytes]":
    """OpenSSH with a terminal, with a shell that answers."""
    terminal = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert terminal.stdin is not None
        terminal.stdin.write(b"echo rea''dy\n")
        terminal.stdin.flush()
        read_until(terminal, b"ready")
    except BaseException:
        with ended_afterwards(terminal):
            raise
    return terminal


def read_until(terminal: "subprocess.Popen[bytes]", words: bytes) -> bytes:
    assert isinstance(terminal.stdout, io.BufferedReader)
    seen = b""
    while words not in seen:
        piece = terminal.stdout.read1(65536)
        assert piece, seen
        seen += piece
    return seen


def test_every_terminal_of_every_node_sees_it_once(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Wall01", computes=1)
    terminals = [
        open_terminal(cluster.command(keys["alice"], extra=("-tt",), node=node))
        for node in ("head", "compute-1")
    ]
    with ended_afterwards(*terminals):
        said = {"message": "This cluster ends in 5 minutes.\x1b[31m", "key": "x-5"}
        for _ in range(2):  # the answer to the first was lost
            assert simulator.http.post(f"{cluster.path}/broadcast", json=said).status_code == 200
        for terminal in terminals:
            assert terminal.stdin is not None
            terminal.stdin.write(b"echo do''ne\n")
            terminal.stdin.flush()
            seen = read_until(terminal, b"done")
            assert seen.count(b"This cluster ends in 5 minutes.") == 1
            assert b"Broadcast message from root@" in seen
            assert b"going down" not in seen
            assert b"\x1b[31m" not in seen, "a message must not steer a terminal"
    assert {node["state"] for node in cluster.nodes().values()} == {"running"}


def test_what_is_no_message_is_refused(simulator: Simulator) -> None:
    cluster = simulator.create("Wall02")
    for body, reason in (
        ({"message": 7}, "invalid_message"),
        ({"message": "x" * 1001}, "invalid_message"),
        ({"message": "x", "key": 7}, "invalid_key"),
        ([], "invalid_message"),
    ):
        answer = simulator.http.post(f"{cluster.path}/broadcast", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert simulator.http.post("/v1/clusters/Nobody/broadcast", json={"message": "x"}).status_code == 404


def test_the_list_tells_who_ordered_a_cluster_and_when_also_after_a_restart(simulator: Simulator) -> None:
    order = simulator.spec("Mark01") | {"mark": "portal-a"}
    assert simulator.http.put("/v1/clusters/Mark01", json=order).status_code == 201
    simulator.create("Mark02")
    before = {row["id"]: row for row in simulator.http.get("/v1/clusters").json()["clusters"]}
    assert {key: row["mark"] for key, row in before.items()} == {"Mark01": "portal-a", "Mark02": ""}
    age = datetime.now(UTC) - datetime.fromisoformat(before["Mark01"]["ordered_at"])
    assert timedelta() <= age < timedelta(minutes=2)
    simulator.end()
    simulator.start()
    after = {row["id"]: row for row in simulator.http.get("/v1/clusters").json()["clusters"]}
    assert {key: (row["mark"], row["ordered_at"]) for key, row in after.items()} == {
        key: (row["mark"], row["ordered_at"]) for key, row in before.items()
    }
