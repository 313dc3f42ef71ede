"""Running commands and shells on a node with the real OpenSSH client and paramiko."""

import base64
import io
import subprocess
from pathlib import Path

import paramiko
import pytest

from tests.jobs.simulator.simulator_process import Cluster
from tests.waiting import LIMIT, wait_for


def test_a_command_runs_in_the_home_on_its_own_host(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = cluster.ssh(keys["alice"], "hostname; pwd; whoami; ls -d ~/work/shared; echo $RESCALE_JOB_ID")
    hostname = cluster.nodes()["head"]["hostname"]
    assert done.stdout.decode().split() == [
        hostname, "/enc/uprod_Ab12cd", "uprod_Ab12cd", "/enc/uprod_Ab12cd/work/shared", "Ab12cd",
    ]  # fmt: skip


def test_exit_status_and_errors_come_back_apart(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = cluster.ssh(keys["alice"], "echo out; echo wrong >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, b"out\n", b"wrong\n")


def test_a_signalled_command_says_so(cluster: Cluster, keys: dict[str, Path]) -> None:
    assert cluster.ssh(keys["alice"], "kill -TERM $$").returncode == 255


def test_standard_input_reaches_the_command_to_its_end(cluster: Cluster, keys: dict[str, Path]) -> None:
    data = bytes(range(256)) * 20_000
    done = cluster.ssh(keys["alice"], "cat", stdin=data)
    assert done.stdout == data


def test_rsa_keys_log_in(cluster: Cluster, keys: dict[str, Path]) -> None:
    assert cluster.ssh(keys["rsa"], "true").returncode == 0


def test_a_strange_key_and_a_strange_user_are_refused_alike(cluster: Cluster, keys: dict[str, Path]) -> None:
    stranger = cluster.ssh(keys["bob"], "true")
    assert stranger.returncode == 255
    assert b"Permission denied (publickey)" in stranger.stderr
    command = cluster.command(keys["alice"], "true")
    command[command.index(cluster.target())] = cluster.target().replace(cluster.user, "root")
    other = subprocess.run(command, capture_output=True, timeout=2 * LIMIT)
    assert other.returncode == 255
    assert b"Permission denied (publickey)" in other.stderr


def test_a_login_shell_has_a_terminal_and_a_prompt(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = cluster.ssh(keys["alice"], extra=("-tt",), stdin=b"tty; cd work; echo $((6*7))\nexit 3\n")
    text = done.stdout.decode()
    hostname = cluster.nodes()["head"]["hostname"]
    assert "/dev/pts/" in text
    assert "42" in text
    assert f"[{cluster.user}@{hostname} ~/work]$" in text
    assert done.returncode == 3


def test_a_key_appended_on_the_node_logs_in_at_once(cluster: Cluster, keys: dict[str, Path]) -> None:
    line = keys["bob"].with_name("bob.pub").read_text().strip()
    try:
        cluster.ssh(
            keys["alice"],
            f"mkdir -p ~/.ssh; echo garbage > ~/.ssh/authorized_keys; echo '{line}' >> ~/.ssh/authorized_keys",
        )
        assert cluster.ssh(keys["bob"], "echo in").stdout == b"in\n"
    finally:
        cluster.ssh(keys["alice"], "rm -r ~/.ssh")
    assert cluster.ssh(keys["bob"], "true").returncode == 255


def test_options_of_the_homes_own_keys_hold(cluster: Cluster, keys: dict[str, Path]) -> None:
    line = keys["bob"].with_name("bob.pub").read_text().strip()
    try:
        cluster.ssh(
            keys["alice"],
            "mkdir -p ~/.ssh; cat > ~/.ssh/authorized_keys",
            stdin=f'command="echo forced" {line}\n'.encode(),
        )
        assert cluster.ssh(keys["bob"], "echo free").stdout == b"forced\n"
    finally:
        cluster.ssh(keys["alice"], "rm -r ~/.ssh")


@pytest.fixture
def client(cluster: Cluster, keys: dict[str, Path]) -> paramiko.SSHClient:
    """Return a paramiko client with the reported host key pinned."""
    where = cluster.nodes()["head"]
    line = cluster.simulator.broker.registered[f"{cluster.user}/head"]["host_keys"][0]
    made = paramiko.SSHClient()
    kind, blob = line.split()[:2]
    key = paramiko.PKey.from_type_string(kind, base64.b64decode(blob))
    made.get_host_keys().add(f"[{where['address']}]:{where['port']}", kind, key)
    made.connect(
        where["address"],
        where["port"],
        cluster.user,
        key_filename=str(keys["alice"]),
        allow_agent=False,
        look_for_keys=False,
        timeout=LIMIT,
        banner_timeout=LIMIT,
        auth_timeout=LIMIT,
    )
    return made


def test_paramiko_runs_commands_and_resizes_a_terminal(client: paramiko.SSHClient) -> None:
    with client:
        _, out, err = client.exec_command("echo hello; echo bad >&2; exit 5")
        assert (out.read(), err.read(), out.channel.recv_exit_status()) == (b"hello\n", b"bad\n", 5)
        shell = client.invoke_shell("xterm", 100, 30)
        shell.settimeout(LIMIT)
        seen = io.BytesIO()

        def until(text: bytes) -> bool:
            if shell.recv_ready():
                seen.write(shell.recv(65536))
            return text in seen.getvalue()

        shell.send(b"stty size; echo $TERM\n")
        wait_for(lambda: until(b"30 100\r\nxterm"), "the size asked for")
        shell.send(b"trap 'echo resized to $(stty size)' WINCH; echo trap is-$((1+1))\n")
        wait_for(lambda: until(b"trap is-2"), "the trap is set")
        shell.resize_pty(132, 50)
        shell.send(b"\n")
        wait_for(lambda: until(b"resized to 50 132"), "the size changed")


def test_paramiko_sftp(client: paramiko.SSHClient) -> None:
    with client, client.open_sftp() as sftp:
        assert sftp.normalize(".") == "/enc/uprod_Ab12cd"
        with sftp.open("work/para", "wb") as file:
            file.write(b"x" * 300_000)
        assert sftp.stat("work/para").st_size == 300_000
        sftp.remove("work/para")


def test_python_is_python_3(cluster: Cluster, keys: dict[str, Path]) -> None:
    command = "python -c 'import sys; print(sys.version_info.major)'; bash -lc 'command -v python'"
    done = cluster.ssh(keys["alice"], command)
    assert done.stdout.split()[0] == b"3", done.stderr
    assert done.returncode == 0
