"""Trust in nodes without a question: one line in known_hosts, certificates, and authorities that change."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.acceptance.people import Person
from tests.acceptance.stranger import Stranger, alias_of, run
from tests.stack import Stack, running
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal of our own: these tests change its authorities."""
    with running(tmp_path_factory.mktemp("trust")) as found:
        yield found


def serial_of(node: dict[str, Any]) -> str:
    """The serial of the certificate the node shows to somebody new."""
    scan = run("ssh-keyscan", "-T", "60", "-c", "-t", "ed25519", "-p", str(node["sshPort"]), node["publicIp"])
    line = re.search(r"ssh-ed25519-cert-v01@openssh.com \S+", scan.stdout)
    assert line, scan
    shown = run("ssh-keygen", "-L", "-f", "-", stdin=line.group() + "\n")
    found = re.search(r"Serial: (\d+)", shown.stdout)
    assert found, (scan, shown)
    return found.group(1)


def test_one_line_is_all_a_computer_needs(
    person: Person, jobs: Callable[..., str], stranger: Stranger, tmp_path: Path
) -> None:
    """Five clusters one after the other: ssh, sftp and scp, to every node, by address and by alias."""
    assert stranger.lines.count("\n") == 1
    assert stranger.lines.startswith("@cert-authority *.headnode.local,127.20.*,[127.20.*]:* ssh-ed25519 ")
    sent = tmp_path / "sent.dat"
    sent.write_text("x" * 10_000)
    seen = set()
    for _ in range(5):
        job = jobs()
        nodes = person.instances(job)
        assert [node["name"] for node in nodes] == ["head", "compute-1"]
        for node in nodes:
            seen.add(node["publicIp"])
            for more in ((), ("-o", f"HostKeyAlias={alias_of(job, node['name'])}")):
                said = stranger.ssh(node, "hostname", *more)
                assert said.returncode == 0, (more, said)
                assert said.stdout.strip() == "ip-" + node["publicIp"].replace(".", "-")
                assert stranger.scp(node, sent, *more).returncode == 0
                batch = f"ls -l {sent.name}\nrm {sent.name}\n"
                listed = stranger.sftp(node, batch, *more)
                assert listed.returncode == 0, listed
                assert " 10000 " in listed.stdout
        wrong = stranger.ssh(nodes[0], "true", "-o", f"HostKeyAlias={alias_of(job, 'compute-1')}")
        assert wrong.returncode == 255, "the head node is not compute-1"
        assert "Host key verification failed" in wrong.stderr
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
        person.wait_for_cluster(job, "Stopped")
    assert len(seen) == 10, "each node had an address of its own"
    assert (tmp_path / "known_hosts").read_text() == stranger.lines, "ssh had nothing to note"


def test_the_line_of_another_portal_opens_nothing(
    person: Person, jobs: Callable[..., str], stranger: Stranger, make_key: Callable[..., Path]
) -> None:
    job = jobs(slots=1)
    node = person.instances(job)[0]
    mine = stranger.lines
    other = Path(f"{make_key()}.pub").read_text().split()[1]
    stranger.lines = f"{mine.rpartition(' ')[0]} {other}\n"
    for more in ((), ("-o", f"HostKeyAlias={alias_of(job, 'head')}")):
        said = stranger.ssh(node, "true", *more)
        assert said.returncode == 255
        assert "Host key verification failed" in said.stderr
    stranger.lines = mine
    assert stranger.ssh(node, "true").returncode == 0


async def test_a_program_needs_no_more_than_a_person(
    person: Person, jobs: Callable[..., str], stranger: Stranger, key: Path
) -> None:
    """The same line, read by another implementation of SSH."""
    job = jobs(slots=1)
    node = person.instances(job)[0]
    for more in ({}, {"host_key_alias": alias_of(job, "head")}):
        async with asyncssh.connect(
            node["publicIp"],
            node["sshPort"],
            username=node["username"],
            client_keys=[str(key)],
            known_hosts=asyncssh.import_known_hosts(stranger.lines),
            agent_path=None,
            config=None,
            **more,
        ) as connection:
            assert (await connection.run("echo in", check=True)).stdout == "in\n"


def test_certificates_are_renewed_and_nobody_notices(
    portal: Stack, person: Person, jobs: Callable[..., str], stranger: Stranger
) -> None:
    node = person.instances(jobs(slots=1))[0]
    before = serial_of(node)
    where = f"{node['username']}@{node['publicIp']}"
    words = ["ssh", *stranger.options, "-p", str(node["sshPort"]), where, "cat"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as live:
        assert live.stdin is not None and live.stdout is not None
        print("before", file=live.stdin, flush=True)
        assert live.stdout.readline() == "before\n"
        # As if the day were half over.
        soon = "from jobs.models import Node; from django.utils import timezone as t"
        portal.manage("shell", "-c", f"{soon}; Node.objects.update(certified_until=t.now())")
        wait_for(lambda: serial_of(node) != before, "the node shows a new certificate")
        print("after", file=live.stdin, flush=True)
        assert live.stdout.readline() == "after\n", "the connection lived on"
        live.stdin.close()
        assert live.wait(LIMIT) == 0
    assert stranger.ssh(node, "true").returncode == 0
    assert "Keys and access rules changed" not in person.messages(node_job(node))


def node_job(node: dict[str, Any]) -> str:
    return str(node["username"]).removeprefix("uprod_")


def test_the_host_authority_is_changed_without_cutting_anybody_off(
    portal: Stack, person: Person, jobs: Callable[..., str], stranger: Stranger
) -> None:
    node = person.instances(jobs(slots=1))[0]
    old_line = stranger.lines
    before = serial_of(node)

    # Published first: people fetch two lines, nodes still show what everybody trusts.
    assert "signs from" in portal.manage("rotate_authority", "host")
    both = person.get("/api/v2/host-authority/")
    assert both.startswith(old_line)
    assert both.count("@cert-authority ") == 2
    assert serial_of(node) == before
    assert stranger.ssh(node, "true").returncode == 0

    # Then the new key signs: the running node is given a certificate of it, and both lines are published.
    portal.manage("rotate_authority", "host", "--lead-hours", "0")
    wait_for(lambda: serial_of(node) != before, "the node shows a certificate of the new key")
    assert person.get("/api/v2/host-authority/") == both
    stranger.lines = both
    assert stranger.ssh(node, "true").returncode == 0
    stranger.lines = both.removeprefix(old_line)
    assert stranger.ssh(node, "true").returncode == 0, "the new line alone"
    stranger.lines = old_line
    assert stranger.ssh(node, "true").returncode == 255, "this computer was not updated in a week"


def test_the_user_authority_is_changed_under_running_clusters(
    portal: Stack, person: Person, jobs: Callable[..., str]
) -> None:
    job = jobs(slots=1)
    before = person.get("/api/v2/user-authority/")
    portal.manage("rotate_authority", "user", "--lead-hours", "0")
    both = person.get("/api/v2/user-authority/")
    assert both.startswith(before)
    assert both.count("\n") == 2
    head = person.instances(job)[0]
    portal_logged_in(portal, head)
    # A cluster that is born now knows both, too.
    second = jobs(slots=1)
    portal_logged_in(portal, person.instances(second)[0])
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_message(job, "Stored ")


def portal_logged_in(portal: Stack, node: dict[str, Any]) -> None:
    """The portal logs in to the node now, with a certificate of whatever key signs now."""
    job = node_job(node)
    code = (
        "from jobs.models import Cluster; from jobs.control.head_node import to_head\n"
        f"with to_head(Cluster.objects.get(job='{job}')) as connection:\n"
        "    print(connection.run('echo in').stdout)"
    )

    refusals = [""]

    def tried() -> bool:
        try:
            return "in" in portal.manage("shell", "-c", code)
        except subprocess.CalledProcessError as error:
            refusals.append(error.stderr)
            return False

    try:
        # Each try starts a Python with all of Django, which takes seconds on a busy machine.
        wait_for(tried, f"the portal logs in to {node['name']}", 4 * LIMIT)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{refusals[-1][-2000:]}") from None
