"""What a node's programs can reach of the machine, the simulator and other clusters: tried from inside."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jobs.simulator.conftest import needs_root, public
from tests.jobs.simulator.simulator_process import Cluster, children_of

Inside = Callable[[str], str]


@pytest.fixture
def inside(cluster: Cluster, keys: dict[str, Path]) -> Inside:
    """Runs a command on the head node and returns everything it printed."""

    def run(command: str) -> str:
        done = cluster.ssh(keys["alice"], command)
        return (done.stdout + done.stderr).decode(errors="replace")

    return run


@pytest.fixture(scope="module")
def neighbour(cluster: Cluster) -> Cluster:
    """Another cluster in the same simulator."""
    return cluster.simulator.create("Zz99zz", computes=0)


def test_the_state_directory_and_its_keys_cannot_be_found(cluster: Cluster, inside: Inside) -> None:
    folder = cluster.simulator.folder
    assert (folder / "simulator/clusters/Ab12cd/head.host_key").exists()
    assert "No such file" in inside(f"ls {folder}")
    assert "uprod" not in inside("ls /tmp /var/tmp /run /home /root /srv /opt /mnt 2>&1")
    secret = (folder / "simulator/clusters/Ab12cd/head.host_key").read_text().splitlines()[3]
    assert secret not in inside("cat /run/headnode/* /etc/ssh/* /proc/*/environ /proc/*/cmdline 2>/dev/null")
    assert (folder / "token").read_text().strip() not in inside(
        "cat /proc/*/environ /proc/*/cmdline 2>/dev/null"
    )


def test_the_machines_own_files_cannot_be_read(inside: Inside) -> None:
    assert "root:" not in inside("cat /etc/shadow 2>&1")
    assert "No such file" in inside("ls /root")
    assert "No such file" in inside("ls /home")
    assert "No such file" in inside(f"ls {Path(__file__).parent}")
    assert "No such file" in inside("ls /sys")
    people = inside("cat /etc/passwd")
    assert "daemon" not in people
    assert "uprod_Ab12cd" in people


def test_nothing_of_the_machine_can_be_written(inside: Inside) -> None:
    for path in ("/usr/x", "/etc/x", "/x", "/bin/x", "/run/headnode/x", "/enc/x"):
        assert "Read-only" in inside(f"touch {path}") or "denied" in inside(f"touch {path}")


def test_another_clusters_home_and_nodes_cannot_be_reached(neighbour: Cluster, inside: Inside) -> None:
    assert inside("ls /enc").split() == ["uprod_Ab12cd"]
    where = neighbour.nodes()["head"]
    attempt = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{where['address']}/{where['port']}'; echo status $?"
    assert "status 0" not in inside(attempt)
    own = "timeout 60 bash -c 'exec 3<>/dev/tcp/compute-1/32100'; echo status $?"
    assert "status 0" in inside(own)


@pytest.fixture
def host_service() -> Iterator[int]:
    """A service on this machine's loopback, as the portal's database or Redis may be."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = threading.Event()

    def accept() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        accepted.set()
        connection.close()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    assert not accepted.is_set(), "something reached the machine's loopback service"


def test_the_machines_loopback_services_cannot_be_reached(
    cluster: Cluster, keys: dict[str, Path], inside: Inside, host_service: int
) -> None:
    for address in ("127.0.0.1", "localhost", "0.0.0.0"):
        assert "status 0" not in inside(
            f"timeout 5 bash -c 'exec 3<>/dev/tcp/{address}/{host_service}'; echo status $?"
        )
    done = cluster.ssh(keys["alice"], extra=("-W", f"127.0.0.1:{host_service}"))
    assert done.returncode == 255


def test_the_machines_abstract_sockets_cannot_be_reached(inside: Inside) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        name = f"headnode-isolation-test-{os.getpid()}"
        listener.bind("\0" + name)
        listener.listen()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + '{name}')"
        assert "refused" in inside(f'python3 -c "{code}"')


def test_no_process_outside_the_node_is_visible(
    cluster: Cluster, keys: dict[str, Path], inside: Inside
) -> None:
    lines = inside("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "jobs.simulator" not in lines
    assert "pytest" not in lines
    assert "bwrap" not in lines
    numbers = inside("ls /proc | grep '^[0-9]*$' | wc -l")
    assert int(numbers) < 15


def test_the_agent_cannot_be_used_traced_or_killed(
    cluster: Cluster, keys: dict[str, Path], inside: Inside
) -> None:
    assert "denied" in inside("ls /proc/1/fd")
    assert "denied" in inside("cat /proc/1/mem")
    code = "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.ptrace(16, 1, 0, 0), ctypes.get_errno())"
    assert inside(f'python3 -c "{code}"').strip() == "-1 1"
    assert "/3" not in inside("ls -l /proc/self/fd | grep socket")
    inside("kill -9 1; kill -9 -1")
    assert cluster.ssh(keys["alice"], "echo alive").stdout == b"alive\n"


def test_programs_have_no_capability_and_no_new_privileges(inside: Inside) -> None:
    status = inside("cat /proc/self/status")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
        assert line in status


@needs_root
def test_nothing_of_a_node_runs_as_the_machines_root(cluster: Cluster, neighbour: Cluster) -> None:
    owners: dict[str, set[int]] = {}
    for pid in children_of(cluster.simulator.process.pid):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        uids = next(line.split()[1:] for line in status if line.startswith("Uid:"))
        groups = next(line.split()[1:] for line in status if line.startswith("Groups:"))
        kind = "agent" if b"agent.pyc" in line else "launcher"
        owners.setdefault(kind, set()).update(map(int, uids))
        assert kind == "launcher" or not groups
    assert 0 not in owners["agent"]
    homes = cluster.simulator.var / "homes"
    home_uids = {(homes / name / f"uprod_{name}").stat().st_uid for name in ("Ab12cd", "Zz99zz")}
    assert len(home_uids) == 2, "each cluster has a user of its own"
    assert home_uids == owners["agent"]
    assert (homes / "Ab12cd/uprod_Ab12cd").stat().st_mode & 0o777 == 0o700


def test_a_link_to_a_file_outside_is_not_followed(
    cluster: Cluster, keys: dict[str, Path], inside: Inside, tmp_path: Path
) -> None:
    trap = tmp_path / "authorized_keys"
    trap.write_text(public(keys["bob"]) + "\n")
    try:
        inside(f"mkdir -p ~/.ssh; ln -sf {trap} ~/.ssh/authorized_keys")
        assert cluster.ssh(keys["bob"], "true").returncode == 255
        inside("ln -sf /proc/1/root/etc/passwd ~/.ssh/authorized_keys")
        assert cluster.ssh(keys["bob"], "true").returncode == 255
    finally:
        inside("rm -r ~/.ssh")


def test_a_pipe_in_place_of_the_key_file_holds_nobody_up(
    cluster: Cluster, keys: dict[str, Path], inside: Inside
) -> None:
    try:
        inside("mkdir -p ~/.ssh; mkfifo ~/.ssh/authorized_keys")
        assert cluster.ssh(keys["alice"], "echo in").stdout == b"in\n"
    finally:
        inside("rm -r ~/.ssh")
