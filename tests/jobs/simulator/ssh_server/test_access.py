"""Access: the source address decides first, then the key; changes apply at once, to open connections too."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.simulator.conftest import make_key, public
from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import LIMIT


@pytest.fixture
def restored(cluster: Cluster) -> Iterator[Cluster]:
    """The shared cluster; its access document is restored afterwards."""
    yield cluster
    assert cluster.access().status_code == 200


@pytest.fixture
def open_shell(cluster: Cluster, keys: dict[str, Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A running session of alice."""
    command = cluster.command(keys["alice"], "echo up; cat")
    command[command.index("LogLevel=ERROR")] = "LogLevel=INFO"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"up\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_an_address_outside_every_rule_is_told_so(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = cluster.ssh(keys["alice"], "true", extra=("-b", "127.0.0.7"))
    assert done.returncode == 255
    assert b"Your address 127.0.0.7 is in no access rule of this cluster" in done.stderr


def test_the_refusal_comes_before_authentication(cluster: Cluster) -> None:
    done = cluster.ssh(None, "true", extra=("-b", "127.0.0.7", "-v", "-o", "LogLevel=DEBUG"))
    assert b"Your address 127.0.0.7" in done.stderr
    assert b"Authentications that can continue" not in done.stderr


def test_a_new_rule_lets_in_at_once(restored: Cluster, keys: dict[str, Path]) -> None:
    assert restored.access(rules=["127.0.0.0/24", "::/0"]).status_code == 200
    assert restored.ssh(keys["alice"], "echo in", extra=("-b", "127.0.0.7")).stdout == b"in\n"


def test_a_removed_rule_ends_live_sessions_and_says_why(
    restored: Cluster, open_shell: subprocess.Popen[bytes]
) -> None:
    restored.access(rules=["192.0.2.0/24"])
    _, errors = open_shell.communicate(timeout=LIMIT)
    assert open_shell.returncode == 255
    assert b"Your address 127.0.0.1 is in no access rule of this cluster" in errors


def test_a_removed_key_ends_its_live_sessions_and_says_why(
    restored: Cluster, keys: dict[str, Path], open_shell: subprocess.Popen[bytes]
) -> None:
    restored.access(authorized_keys=[public(keys["rsa"])])
    _, errors = open_shell.communicate(timeout=LIMIT)
    assert open_shell.returncode == 255
    assert b"was removed from this cluster" in errors
    assert restored.ssh(keys["alice"], "true").returncode == 255
    assert restored.ssh(keys["rsa"], "true").returncode == 0


def test_a_change_leaves_sessions_that_still_qualify(
    restored: Cluster, keys: dict[str, Path], open_shell: subprocess.Popen[bytes]
) -> None:
    restored.access(authorized_keys=[public(keys["alice"]), public(keys["bob"])], rules=["127.0.0.0/8"])
    assert open_shell.stdin is not None
    assert open_shell.stdout is not None
    open_shell.stdin.write(b"still here\n")
    open_shell.stdin.flush()
    assert open_shell.stdout.readline() == b"still here\n"
    assert restored.ssh(keys["bob"], "true").returncode == 0


def test_no_rule_at_all_means_ssh_is_off(restored: Cluster, keys: dict[str, Path]) -> None:
    restored.access(rules=[])
    done = restored.ssh(keys["alice"], "true")
    assert b"is in no access rule" in done.stderr


def certificate(keys: dict[str, Path], folder: Path, principal: str, validity: str = "-1m:+5m") -> Path:
    """Return a key of the gateway, with a certificate for one principal."""
    path = folder / f"gateway-{principal}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    sign = [
        "ssh-keygen",
        "-q",
        "-s",
        str(keys["authority"]),
        "-I",
        "gateway",
        "-n",
        principal,
        "-V",
        validity,
        f"{path}.pub",
    ]
    subprocess.run(sign, check=True)
    return path


def test_the_gateway_gets_in_with_a_certificate_and_nothing_else(
    restored: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    restored.access(rules=["192.0.2.0/24"], gateway_addresses=["127.0.0.9"])
    from_gateway = ("-b", "127.0.0.9")
    good = certificate(keys, tmp_path, restored.user)
    assert restored.ssh(good, "echo in", extra=from_gateway).stdout == b"in\n"
    assert b"Permission denied" in restored.ssh(keys["alice"], "true", extra=from_gateway).stderr
    assert b"is in no access rule" in restored.ssh(good, "true").stderr


def test_a_certificate_for_another_principal_or_out_of_time_is_refused(
    restored: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    assert b"Permission denied" in restored.ssh(certificate(keys, tmp_path, "uprod_Other1"), "true").stderr
    old = certificate(keys, tmp_path, restored.user, "-2h:-1h")
    assert b"Permission denied" in restored.ssh(old, "true").stderr


def test_a_withdrawn_authority_ends_what_it_let_in(
    restored: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    command = restored.command(certificate(keys, tmp_path, restored.user), "echo up; cat")
    command[command.index("LogLevel=ERROR")] = "LogLevel=INFO"
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        restored.access(user_authorities=[])
        _, errors = process.communicate(timeout=LIMIT)
    assert b"authority" in errors


def test_a_withdrawn_key_says_why(
    restored: Cluster, keys: dict[str, Path], open_shell: subprocess.Popen[bytes]
) -> None:
    line = subprocess.run(["ssh-keygen", "-lf", str(keys["alice"])], capture_output=True, text=True).stdout
    restored.access(authorized_keys=[], withdrawn={line.split()[1]: "disabled"})
    open_shell.wait(LIMIT)
    assert open_shell.stderr is not None
    assert f"Your key {line.split()[1]} was disabled".encode() in open_shell.stderr.read()


def test_an_older_document_that_comes_late_changes_nothing(
    simulator: Simulator, keys: dict[str, Path]
) -> None:
    made = simulator.create("Vs12cd", computes=0)
    assert made.access(authorized_keys=[public(keys["rsa"])], version=3).status_code == 200
    assert made.access(version=2).status_code == 200
    assert made.ssh(keys["alice"], "true").returncode == 255
    # Of two with one version nobody knows the newer: neither lets in whom the other does not.
    answer = made.access(version=3)
    assert answer.status_code == 200
    assert answer.json()["authorized_keys"] == [public(keys["rsa"])], "the answer says what is in force"
    assert made.ssh(keys["alice"], "true").returncode == 255
    assert made.access(rules=["192.0.2.0/24"], version=3).status_code == 200
    assert b"is in no access rule" in made.ssh(keys["rsa"], "true").stderr
    assert made.access(version=4).status_code == 200
    assert made.ssh(keys["alice"], "true").returncode == 0


def test_an_authority_of_the_homes_own_keeps_whom_it_let_in(
    restored: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    line = f"cert-authority {public(make_key(tmp_path / 'own'))}"
    good = certificate({"authority": tmp_path / "own"}, tmp_path, restored.user)
    try:
        restored.ssh(keys["alice"], "mkdir -p ~/.ssh; cat > ~/.ssh/authorized_keys", stdin=line.encode())
        command = restored.command(good, "echo up; cat")
        command[command.index("LogLevel=ERROR")] = "LogLevel=INFO"
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"up\n"
            restored.access(rules=["127.0.0.0/8"])
            process.stdin.write(b"still here\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"still here\n"
            restored.ssh(keys["alice"], "rm ~/.ssh/authorized_keys")
            restored.access()
            assert b"authority" in process.stderr.read()
    finally:
        restored.ssh(keys["alice"], "rm -rf ~/.ssh")


def test_a_wrong_version_or_reason_is_refused(cluster: Cluster) -> None:
    refused: list[dict[str, object]] = [
        {"version": -1},
        {"version": "1"},
        {"version": True},
        {"withdrawn": []},
        {"withdrawn": {"x": 1}},
    ]
    for wrong in refused:
        assert cluster.access(**wrong).status_code == 400
