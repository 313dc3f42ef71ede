"""From inside a node's shell: the portal, the host and other clusters are out of reach. Tested by trying."""

import os
import random
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import SSH, Person, with_token
from tests.stack import Stack
from tests.waiting import LIMIT, wait_for

# A web server answers only who asks; a SSH server and the service below speak first.
REQUEST = b"GET /healthz HTTP/1.0\r\n\r\n"
REQUEST_IN_SHELL = r"GET /healthz HTTP/1.0\r\n\r\n"
pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def person(stack: Stack) -> Person:
    return with_token(stack)


@pytest.fixture(scope="module")
def two_clusters(
    stack: Stack, person: Person, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SSH, SSH]]:
    folder = tmp_path_factory.mktemp("isolation")
    key = folder / "id"
    os.spawnlp(os.P_WAIT, "ssh-keygen", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    status, row = person.call(
        "POST", "/api/v2/users/me/ssh-keys/", {"name": "i", "publicKey": Path(f"{key}.pub").read_text()}
    )
    assert status == 201
    person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.1/32"})
    jobs = [person.submit("sleep 600 & echo secret-of-$RESCALE_JOB_ID > ~/secret; wait") for _ in range(2)]
    for job in jobs:
        person.wait_for_message(job, "Launched the command")
    yield (person.ssh_config(jobs[0], key, folder), person.ssh_config(jobs[1], key, folder))
    for job in jobs:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in jobs:
        person.wait_for_cluster(job, "Stopped")
    person.call("DELETE", f"/api/v2/users/me/ssh-keys/{row['id']}/")


def unreadable(ssh: SSH, path: object) -> bool:
    """Whether neither reading, listing nor writing gets anywhere."""
    tries = f"cat '{path}' || ls '{path}' || touch '{path}' || touch '{path}/x'"
    return ssh.run(f"({tries}) 2>/dev/null").returncode != 0


def test_the_portals_database_keys_and_sockets(two_clusters: tuple[SSH, SSH], stack: Stack) -> None:
    ssh, _ = two_clusters
    for name in (
        "",
        "db.sqlite3",
        "secret-key",
        "simulator-token",
        "redis.sock",
        "simulator.sock",
        "files",
        "simulator",
    ):
        path = stack.var / name if name else stack.var
        assert path.exists() or name in ("redis.sock", "simulator.sock", "files"), path
        assert unreadable(ssh, path), path
    assert (
        ssh("find / -xdev \\( -name db.sqlite3 -o -name secret-key -o -name '*.sock' \\) 2>/dev/null; true")
        == ""
    )


def test_the_hosts_own_files(two_clusters: tuple[SSH, SSH], tmp_path: Path) -> None:
    ssh, _ = two_clusters
    marked = tmp_path / "marked"
    marked.write_text("of the host " + (text := secrets.token_hex(8)))
    on_disk = f"grep -rls {text} /tmp /var/tmp /dev/shm"
    assert str(marked) in subprocess.run(on_disk.split(), capture_output=True, text=True).stdout
    for path in (marked, Path.cwd() / "manage.py", "/etc/shadow", "/etc/ssh/sshd_config", "/root/.bashrc"):
        assert unreadable(ssh, path), path
    for folder in ("/root", "/home", "/var/lib", "/boot", "/srv", "/opt"):
        assert ssh.run(f"ls -A {folder} 2>/dev/null").stdout == "", folder
    assert ssh.run(on_disk).stdout == ""
    assert ssh("cut -d: -f1 /etc/passwd").count("\n") <= 5
    assert ssh.run("touch /usr/x /bin/x /lib/x 2>/dev/null").returncode != 0


def test_another_clusters_home(two_clusters: tuple[SSH, SSH]) -> None:
    one, other = two_clusters
    assert other("cat ~/secret").startswith("secret-of-")
    home = f"/enc/{other.username}"
    assert unreadable(one, home)
    assert unreadable(one, f"{home}/secret")
    assert one("ls /enc").split() == [one.username]


def test_no_process_outside_is_visible(two_clusters: tuple[SSH, SSH], stack: Stack) -> None:
    ssh, _ = two_clusters
    commands = ssh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    for foreign in ("celery", "uvicorn", "redis-server", "portal.embedded", "pytest", "jobs.simulator"):
        assert foreign not in commands
    assert len(ssh("ls -d /proc/[0-9]*").split()) < 30
    for pid in (os.getpid(), *stack.pids.values()):
        here = command_line(Path(f"/proc/{pid}/cmdline").read_bytes())
        assert here
        assert command_line(ssh.run(f"cat /proc/{pid}/cmdline").stdout.encode()) != here, pid


def command_line(raw: bytes) -> str:
    """The words of /proc/PID/cmdline; empty if there is no such process."""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def host_owner_of(mark: str) -> int | None:
    """The host's own user id of the process with `mark` in its command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes() == f"sleep\0{mark}\0".encode():
                return folder.stat().st_uid
        except OSError:
            continue
    return None


def test_nothing_runs_as_root(two_clusters: tuple[SSH, SSH]) -> None:
    ssh, _ = two_clusters
    assert ssh("id -u").strip() != "0"
    for attempt in ("su -c true", "sudo -n true", "mount -t tmpfs x /tmp", "chroot / true"):
        assert ssh.run(attempt).returncode != 0, attempt
    mark = str(random.randrange(10**6, 10**7))
    ssh(f"setsid sleep {mark} </dev/null >/dev/null 2>&1 & true")
    owner = wait_for(lambda: host_owner_of(mark), "the host sees the process")
    assert owner != 0
    ssh(f"pkill -f 'sleep {mark}'")


@pytest.fixture
def host_service() -> Iterator[int]:
    """Something on the host's loopback that would answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    with server.accept()[0] as caller:
                        caller.sendall(b"host service\n")
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join()


def test_the_hosts_loopback_services(two_clusters: tuple[SSH, SSH], stack: Stack, host_service: int) -> None:
    ssh, other = two_clusters
    portal = int(stack.base_url.rstrip("/").rpartition(":")[2])
    for address, port in [("127.0.0.1", host_service), ("127.0.0.1", portal), (other.address, other.port)]:
        with socket.create_connection((address, port), timeout=LIMIT) as here:
            here.sendall(REQUEST)
            assert here.recv(4), "it answers whoever reaches it"
        talk = f"exec 3<>/dev/tcp/{address}/{port}; printf '{REQUEST_IN_SHELL}' >&3; head -c 4 <&3"
        assert ssh.run(f'timeout 5 bash -c "{talk}" 2>/dev/null').stdout == "", (address, port)
        assert forwarded(ssh, address, port) == b"", (address, port)


def forwarded(ssh: SSH, address: str, port: int) -> bytes:
    """What comes back of a request that the node is asked to forward."""
    line = ["ssh", "-F", str(ssh.config), "-W", f"{address}:{port}", "-p", str(ssh.port), ssh.where]
    return subprocess.run(line, input=REQUEST, capture_output=True, timeout=4 * LIMIT).stdout


def test_a_link_to_a_host_file_leads_nowhere(
    two_clusters: tuple[SSH, SSH], make_key: Callable[..., Path]
) -> None:
    """authorized_keys as a link: the node reads it inside, where the target is not."""
    ssh, _ = two_clusters
    outside = make_key("ed25519", name="outside")
    ssh(f"mkdir -p ~/.ssh; rm -f ~/.ssh/authorized_keys; ln -s '{outside}.pub' ~/.ssh/authorized_keys")
    tried = ssh.run(
        "true", "-o", f"IdentityFile={outside}", "-F", "/dev/null", "-o", "StrictHostKeyChecking=yes"
    )
    assert tried.returncode == 255
    ssh(
        f"rm -f ~/.ssh/authorized_keys; echo '{Path(f'{outside}.pub').read_text().strip()}' > ~/.ssh/authorized_keys"
    )
    own = ["-i", str(outside), "-o", "IdentitiesOnly=yes"]
    assert ssh.run("echo in", *own).stdout.strip() == "in"
