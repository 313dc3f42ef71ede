"""Forwarding (-L, -R, -D, ProxyJump, agent) happens inside the node."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jobs.simulator.simulator_process import Cluster
from tests.stack import free_port
from tests.waiting import LIMIT, wait_for

SERVE = (
    "python3 -c \"import socket; s=socket.create_server(('127.0.0.1', {port})); "
    "c,_=s.accept(); c.sendall(b'from the node'); c.close()\""
)
FETCH = (
    "import socket,sys; s=socket.create_connection(('127.0.0.1', int(sys.argv[1])), 60); "
    "print(s.recv(100).decode(), end='')"
)


@pytest.fixture
def running() -> Iterator[Callable[[list[str]], subprocess.Popen[bytes]]]:
    """Starts programs that are ended after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def fetch(port: int) -> str:
    """Return what a service on this machine's loopback sends."""
    done = subprocess.run(["python3", "-c", FETCH, str(port)], capture_output=True, timeout=2 * LIMIT)
    return done.stdout.decode()


def test_local_forwarding_reaches_a_service_only_the_node_has(
    cluster: Cluster, keys: dict[str, Path], running: Callable[[list[str]], subprocess.Popen[bytes]]
) -> None:
    here, there = free_port(), 5901
    running(cluster.command(keys["alice"], SERVE.format(port=there)))
    running(cluster.command(keys["alice"], "-N", extra=("-L", f"{here}:127.0.0.1:{there}")))
    assert wait_for(lambda: fetch(here), "the tunnel carries") == "from the node"


def test_a_destination_nobody_listens_on_is_refused(cluster: Cluster, keys: dict[str, Path]) -> None:
    jump = cluster.command(keys["alice"], extra=("-W", "127.0.0.1:9"))
    done = subprocess.run(jump, capture_output=True, timeout=2 * LIMIT)
    assert done.returncode == 255
    assert b"stdio forwarding failed" in done.stderr


def test_remote_forwarding_listens_inside_the_node(
    cluster: Cluster, keys: dict[str, Path], running: Callable[[list[str]], subprocess.Popen[bytes]]
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    here, there = listener.getsockname()[1], 6901
    process = running(
        cluster.command(
            keys["alice"],
            "echo ready; cat",
            extra=("-R", f"{there}:127.0.0.1:{here}", "-o", "ExitOnForwardFailure=yes"),
        )
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    fetching = running(cluster.command(keys["alice"], f'python3 -c "{FETCH}" {there}'))
    listener.settimeout(LIMIT)
    with listener, listener.accept()[0] as connection:
        connection.sendall(b"from here")
    assert fetching.communicate(timeout=LIMIT)[0] == b"from here"
    assert fetch(there) == "", "the port must not be open on this machine"


def test_dynamic_forwarding(
    cluster: Cluster, keys: dict[str, Path], running: Callable[[list[str]], subprocess.Popen[bytes]]
) -> None:
    here, there = free_port(), 7901
    serve = f"cd ~/work; echo page > page; python3 -m http.server -b 127.0.0.1 {there}"
    running(cluster.command(keys["alice"], serve, extra=("-D", str(here))))

    def page() -> bytes:
        curl = ["curl", "-s", "--socks5-hostname", f"127.0.0.1:{here}", f"http://localhost:{there}/page"]
        return subprocess.run(curl, capture_output=True, timeout=2 * LIMIT).stdout

    assert wait_for(page, "the page comes through") == b"page\n"


def test_compute_nodes_are_reached_through_the_head(cluster: Cluster, keys: dict[str, Path]) -> None:
    nodes = cluster.nodes()
    proxy = " ".join(
        [
            "ssh",
            *cluster.options(keys["alice"]),
            "-p",
            str(cluster.port()),
            "-W",
            "compute-1:32100",
            cluster.target(),
        ]
    )
    done = cluster.ssh(keys["alice"], "hostname", node="compute-1", extra=("-o", f"ProxyCommand={proxy}"))
    assert done.stdout.decode().strip() == nodes["compute-1"]["hostname"]


def test_agent_forwarding(cluster: Cluster, keys: dict[str, Path]) -> None:
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    words = dict(part.strip().split("=", 1) for part in agent.split(";") if "=" in part)
    environment = {**os.environ, "SSH_AUTH_SOCK": words["SSH_AUTH_SOCK"]}
    try:
        subprocess.run(["ssh-add", "-q", str(keys["alice"])], env=environment, check=True)
        command = cluster.command(keys["alice"], "ssh-add -l; echo $SSH_AUTH_SOCK", extra=("-A",))
        command[command.index("IdentityAgent=none")] = f"IdentityAgent={words['SSH_AUTH_SOCK']}"
        done = subprocess.run(command, env=environment, capture_output=True, timeout=2 * LIMIT)
        assert b"(ED25519)" in done.stdout
        assert b"/tmp/ssh-" in done.stdout
    finally:
        os.kill(int(words["SSH_AGENT_PID"]), 15)


def test_nodes_reach_each_other_without_a_question(cluster: Cluster, keys: dict[str, Path]) -> None:
    nodes = cluster.nodes()
    done = cluster.ssh(keys["alice"], "ssh compute-1 'hostname; ssh head hostname'")
    assert done.stdout.decode().split() == [nodes["compute-1"]["hostname"], nodes["head"]["hostname"]], (
        done.stderr
    )


def test_the_clusters_own_key_opens_nothing_from_outside(
    cluster: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    stolen = tmp_path / "stolen"
    stolen.write_bytes(cluster.ssh(keys["alice"], "cat /etc/ssh/cluster_key").stdout)
    stolen.chmod(0o600)
    assert b"PRIVATE KEY" in stolen.read_bytes()
    assert b"Permission denied" in cluster.ssh(stolen, "true").stderr


def test_x11_forwarding_leads_from_the_node_to_this_machines_display(
    cluster: Cluster, keys: dict[str, Path]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        display = f"localhost:{server.getsockname()[1] - 6000}"
        server.settimeout(LIMIT)
        fetch = "import os,socket; n=int(os.environ['DISPLAY'].split(':')[1].split('.')[0]); "
        fetch += "s=socket.create_connection(('localhost', 6000+n), 60); "
        fetch += "c=open(os.path.expanduser('~/.Xauthority'),'rb').read()[-16:]; "
        fetch += "s.sendall(b'l\\0\\x0b\\0\\0\\0\\x12\\0\\x10\\0\\0\\0MIT-MAGIC-COOKIE-1\\0\\0'+c); print(s.recv(9))"
        command = cluster.command(keys["alice"], f'python3 -c "{fetch}"', extra=("-Y",))
        process = subprocess.Popen(
            command, env={**os.environ, "DISPLAY": display}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            with server.accept()[0] as connection:
                seen = b""
                while b"MIT-MAGIC-COOKIE-1" not in seen:
                    piece = connection.recv(100)
                    assert piece, seen
                    seen += piece
                connection.sendall(b"x-server!")
            assert b"x-server!" in process.communicate(timeout=LIMIT)[0]
        finally:
            process.kill()
            process.communicate()
    cluster.ssh(keys["alice"], "rm -f ~/.Xauthority")
