"""From inside a node's shell: the portal, the host and other clusters are out of reach. Tested by trying."""

import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import SSH, Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


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
    marked.write_text("of the host")
    for path in (marked, Path.cwd() / "manage.py", "/etc/shadow", "/etc/ssh/sshd_config", "/root/.bashrc"):
        assert unreadable(ssh, path), path
    for folder in ("/root", "/home", "/var/lib", "/boot", "/srv", "/opt"):
        assert ssh.run(f"ls -A {folder} 2>/dev/null").stdout == "", folder
    assert "of the host" not in ssh("cat /tmp/*/* 2>/dev/null; true")
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
    for pid in stack.pids.values():
        assert ssh.run(f"kill -0 {pid} 2>/dev/null && grep -q celery /proc/{pid}/cmdline").returncode != 0


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
    assert ssh.run("su -c true; sudo true; mount -t tmpfs x /mnt").returncode != 0
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
    with socket.create_connection(("127.0.0.1", host_service)) as here:
        assert here.recv(100) == b"host service\n"
    portal = int(stack.base_url.rstrip("/").rpartition(":")[2])
    for address, port in [("127.0.0.1", host_service), ("127.0.0.1", portal), (other.address, other.port)]:
        answer = ssh.run(f"timeout 5 bash -c 'exec 3<>/dev/tcp/{address}/{port}; head -c 4 <&3' 2>/dev/null")
        assert answer.stdout == "", (address, port)
        forwarded = ssh.run("true", "-W", f"{address}:{port}")
        assert "host service" not in forwarded.stdout


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
