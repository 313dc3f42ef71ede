"""Shutting nodes down: everyone is told, everything ends, and a second request does no harm."""

import subprocess
import time
from pathlib import Path

from tests.jobs.simulator.cloud.test_broadcast import open_terminal
from tests.jobs.simulator.simulator_process import Simulator, children_of, ended_afterwards
from tests.waiting import LIMIT, wait_for


def test_an_open_terminal_sees_the_shutdown_message(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Stop01", computes=1)
    command = cluster.command(keys["alice"], extra=("-tt",))
    command[command.index("LogLevel=ERROR")] = "LogLevel=INFO"
    terminal = open_terminal(command)
    with ended_afterwards(terminal):
        answer = simulator.http.post(
            f"{cluster.path}/nodes/head/stop", json={"message": "The job has ended.\x1b[31m"}
        )
        assert answer.status_code == 202
        # Its input stays open: the end of it would end the shell by itself.
        assert terminal.stdout is not None and terminal.stderr is not None
        out, errors = terminal.stdout.read(), terminal.stderr.read()
        terminal.wait(LIMIT)
        hostname = cluster.nodes()["head"]["hostname"]
        assert f"Broadcast message from root@{hostname}".encode() in out
        assert b"The system is going down for poweroff NOW!" in out
        assert b"The job has ended." in out
        assert b"\x1b[31m" not in out, "a message must not steer a terminal"
        assert terminal.returncode != 0
        nodes = cluster.wait("stopped", "head")
        assert nodes["compute-1"]["state"] == "running"
        assert b"going down" in errors or b"closed" in errors or b"Hangup" in errors


def test_programs_get_a_warning_then_are_killed(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Stop02", computes=1)
    quiet = cluster.command(
        keys["alice"],
        "trap 'echo warned >> ~/work/shared/note; exit 0' TERM; echo up; while :; do sleep 0.05; done",
    )
    deaf = cluster.command(keys["alice"], "trap '' TERM HUP; echo up; while :; do sleep 0.05; done")
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for command in (quiet, deaf)
    ]
    with ended_afterwards(*started):
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
        before = time.monotonic()
        simulator.http.post(f"{cluster.path}/nodes/head/stop", json={})
        cluster.wait("stopped", "head")
        assert time.monotonic() - before < 30
        for process in started:
            process.communicate(timeout=LIMIT)
    assert cluster.ssh(keys["alice"], "cat ~/work/shared/note", node="compute-1").stdout == b"warned\n"
    assert cluster.ssh(keys["alice"], "true").returncode == 255


def test_stopping_and_deleting_may_be_repeated(simulator: Simulator) -> None:
    cluster = simulator.create("Stop03", computes=0)
    stop = f"{cluster.path}/nodes/head/stop"
    assert [simulator.http.post(stop, json={}).status_code for _ in range(3)] == [202, 202, 202]
    cluster.wait("stopped")
    assert simulator.http.post(stop, json={}).status_code == 202
    assert simulator.http.delete(cluster.path).status_code == 202
    wait_for(lambda: simulator.http.get(cluster.path).status_code == 404, "the cluster is gone")
    assert simulator.http.delete(cluster.path).status_code == 404
    for place in ("homes", "clusters", "etc"):
        assert not (simulator.var / place / "Stop03").exists()


def test_deleting_removes_what_its_user_locked(simulator: Simulator, keys: dict[str, Path]) -> None:
    cluster = simulator.create("Stop04", computes=0)
    cluster.ssh(
        keys["alice"], "mkdir -p work/a/b; touch work/a/b/c; ln -s / work/a/root; chmod 000 work/a/b work/a"
    )
    simulator.http.delete(cluster.path)
    wait_for(lambda: simulator.http.get(cluster.path).status_code == 404, "the cluster is gone")
    assert not (simulator.var / "homes/Stop04").exists()


def test_a_booting_node_can_be_stopped(simulator: Simulator) -> None:
    simulator.http.put("/v1/faults", json={"never_reports": {}})
    assert simulator.http.put("/v1/clusters/Stop05", json=simulator.spec("Stop05")).status_code == 201
    assert simulator.http.delete("/v1/clusters/Stop05").status_code == 202
    wait_for(lambda: simulator.http.get("/v1/clusters/Stop05").status_code == 404, "the cluster is gone")


def test_term_ends_the_simulator_and_everything_it_started(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    cluster = simulator.create("Stop06", computes=1)
    command = cluster.command(keys["alice"], "setsid sleep 1000 & echo up; cat")
    session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with ended_afterwards(session):
        assert session.stdout is not None
        assert session.stdout.readline() == b"up\n"
        family = children_of(simulator.process.pid)
        assert len(family) > 6
        assert simulator.end() < 3.5
        wait_for(
            lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()], "every process is gone"
        )
        session.communicate(timeout=LIMIT)
        assert session.returncode == 255
