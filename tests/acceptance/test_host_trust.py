"""Trust in nodes without a question: one line in known_hosts, certificates, rotation, and the alarm."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.people import Person, sign_in, with_token
from tests.stack import Stack, running
from tests.waiting import wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal of our own: these tests change its authorities and break its nodes."""
    with running(tmp_path_factory.mktemp("trust")) as found:
        yield found


@pytest.fixture(scope="module")
def key(portal: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The administrator's key, saved in Job Settings, and the way in from this machine."""
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", str(path)], check=True)
    person = with_token(portal)
    body = {"name": "laptop", "publicKey": Path(f"{path}.pub").read_text()}
    assert person.call("POST", "/api/v2/users/me/ssh-keys/", body)[0] == 201
    assert person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.0/8"})[0] == 201
    return path


@pytest.fixture
def person(portal: Stack, key: Path) -> Person:
    return with_token(portal)


@pytest.fixture
def jobs(person: Person) -> Iterator[Callable[..., str]]:
    """Submit jobs that run until told otherwise; they are stopped with the test."""
    made: list[str] = []

    def submit(slots: int = 2, ready: bool = True) -> str:
        made.append(person.submit("sleep 600", slots=slots, name="trust"))
        if ready:
            person.wait_for_message(made[-1], "Instance ready for ssh access")
        return made[-1]

    yield submit
    for job in made:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in made:
        person.wait_for_cluster(job, "Stopped")


@pytest.fixture
def cloud(portal: Stack) -> Iterator[httpx.Client]:
    """The simulator's own API."""
    transport = httpx.HTTPTransport(uds=str(portal.var / "simulator.sock"))
    token = (portal.var / "simulator-token").read_text().strip()
    with httpx.Client(transport=transport, base_url="http://simulator", timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


@pytest.fixture
def fault(cloud: httpx.Client) -> Iterator[Callable[..., None]]:
    """Switch a fault of the cloud on; it is off again after the test."""
    switched: set[str] = set()

    def switch(name: str, words: dict[str, Any] | None) -> None:
        switched.add(name)
        assert cloud.put("/v1/faults", json={name: words}).status_code == 200

    yield switch
    cloud.put("/v1/faults", json=dict.fromkeys(switched))


@dataclass
class Stranger:
    """OpenSSH on a computer that knows one thing: the lines of the host authority."""

    folder: Path
    key: Path
    lines: str
    made: list[Path] = field(default_factory=list)

    @property
    def options(self) -> list[str]:
        known = self.folder / "known_hosts"
        known.write_text(self.lines)
        return [
            *("-F", "none", "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
            *("-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=/dev/null"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
            *("-o", "UpdateHostKeys=no"),
        ]

    def ssh(self, node: dict[str, Any], command: str, *more: str) -> "subprocess.CompletedProcess[str]":
        where = f"{node['username']}@{node['publicIp']}"
        return _run("ssh", *self.options, *more, "-p", str(node["sshPort"]), where, command)

    def sftp(self, node: dict[str, Any], batch: str, *more: str) -> "subprocess.CompletedProcess[str]":
        where = f"{node['username']}@{node['publicIp']}"
        words = ["sftp", *self.options, *more, "-q", "-P", str(node["sshPort"]), "-b", "-", where]
        return _run(*words, stdin=batch)

    def scp(self, node: dict[str, Any], path: Path, *more: str) -> "subprocess.CompletedProcess[str]":
        where = f"{node['username']}@{node['publicIp']}:{path.name}"
        return _run("scp", *self.options, *more, "-q", "-P", str(node["sshPort"]), str(path), where)


def _run(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    # A session of its own: without a terminal nobody could be asked anything.
    return subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=60, start_new_session=True
    )


@pytest.fixture
def stranger(person: Person, key: Path, tmp_path: Path) -> Stranger:
    return Stranger(tmp_path, key, person.get("/api/v2/host-authority/"))


def alias_of(job: str, node: str) -> str:
    return f"job-{job.lower()}{'' if node == 'head' else '-' + node}.headnode.local"


def alarms(person: Person, job: str) -> list[dict[str, Any]]:
    return [e for e in person.events(job) if e["level"] == "error" and "Host key alarm" in e["message"]]


def serial_of(node: dict[str, Any]) -> str:
    """The serial of the certificate the node shows to somebody new."""
    scan = _run("ssh-keyscan", "-c", "-t", "ed25519", "-p", str(node["sshPort"]), node["publicIp"])
    line = re.search(r"ssh-ed25519-cert-v01@openssh.com \S+", scan.stdout)
    assert line, scan
    shown = _run("ssh-keygen", "-L", "-f", "-", stdin=line.group() + "\n")
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
        head, compute = nodes
        wrong = stranger.ssh(head, "true", "-o", f"HostKeyAlias={alias_of(job, 'compute-1')}")
        assert wrong.returncode == 255, "the head node is not compute-1"
        assert "Host key verification failed" in wrong.stderr
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
        person.wait_for_cluster(job, "Stopped")
    assert len(seen) == 10, "each node had an address of its own"
    assert (tmp_path / "known_hosts").read_text() == stranger.lines, "ssh had nothing to note"


def test_the_line_of_another_portal_opens_nothing(
    person: Person, jobs: Callable[..., str], stranger: Stranger, make_key: Callable[..., Path]
) -> None:
    node = person.instances(jobs(slots=1))[0]
    mine = stranger.lines
    other = Path(f"{make_key()}.pub").read_text().split()[1]
    stranger.lines = f"{mine.rpartition(' ')[0]} {other}\n"
    for more in ((), ("-o", f"HostKeyAlias={node['name']}.headnode.local")):
        said = stranger.ssh(node, "true", *more)
        assert said.returncode == 255
        assert "Host key verification failed" in said.stderr
    stranger.lines = mine
    assert stranger.ssh(node, "true").returncode == 0


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
        wait_for(lambda: serial_of(node) != before, "the node shows a new certificate", 20)
        print("after", file=live.stdin, flush=True)
        assert live.stdout.readline() == "after\n", "the connection lived on"
        live.stdin.close()
        assert live.wait(10) == 0
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
    wait_for(lambda: serial_of(node) != before, "the node shows a certificate of the new key", 20)
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
    person.wait_for_message(job, "Stored ", 30)


def portal_logged_in(portal: Stack, node: dict[str, Any]) -> None:
    """The portal logs in to the node now, with a certificate of whatever key signs now."""
    job = node_job(node)
    code = (
        "from jobs.models import Cluster; from jobs.control.command import to_head; "
        f"print(to_head(Cluster.objects.get(job='{job}')).run('echo in').stdout)"
    )

    def tried() -> bool:
        try:
            return "in" in portal.manage("shell", "-c", code)
        except subprocess.CalledProcessError:
            return False

    wait_for(tried, "the portal gets in", 30)


def test_a_swap_before_the_first_login_and_the_cluster_never_becomes_ready(
    portal: Stack, person: Person, jobs: Callable[..., str], fault: Callable[..., None]
) -> None:
    fault("swapped_host_key", {"node": "compute-1"})
    job = jobs(slots=2, ready=False)
    person.wait_for_cluster(job, "Stopped")
    (alarm,) = alarms(person, job)
    assert alarm["node"] == "compute-1"
    assert "another host key than it reported" in alarm["message"]
    story = person.messages(job)
    assert "compute-1 phoned home" in story
    assert "compute-1 reports OK" in story
    assert "Instance ready" not in story
    assert "Logged in" not in story
    statuses = {row["status"] for row in person.get(f"/api/v2/jobs/{job}/cluster_statuses/")["results"]}
    assert "Error" in statuses
    assert not statuses & {"Ready", "Started", "Running"}, statuses
    audit = portal.manage(
        "shell",
        "-c",
        "from accounts.models import AuditEvent as A; "
        "[print(e.action, e.owner_name, e.after) for e in A.objects.filter(action__contains='host_key')]",
    )
    assert "jobs:node:host_key_alarm admin" in audit
    assert f"'job': '{job}'" in audit


@pytest.mark.browser
def test_a_node_that_turns_into_another_is_not_talked_to_until_an_administrator_says_so(
    portal: Stack,
    person: Person,
    jobs: Callable[..., str],
    stranger: Stranger,
    fault: Callable[..., None],
    cloud: httpx.Client,
    browser_page: Callable[..., Page],
) -> None:
    job = jobs(slots=1)
    node = person.instances(job)[0]
    assert node["hostKeyAlarmAt"] is None
    (proof,) = node["hostKeys"]
    assert proof["provenance"].startswith("Reported by the node at 20")
    assert "the portal logged in with it at 20" in proof["provenance"]
    person.wait_for_message(job, "Launched the command")
    fault("swapped_host_key", {"node": "head"})

    # People's ssh refuses, and the portal's own next visit raises the alarm.
    said = stranger.ssh(node, "true")
    assert said.returncode == 255
    assert "Host key verification failed" in said.stderr
    person.wait_for_message(job, "Host key alarm", 30)
    (alarm,) = alarms(person, job)
    shown = re.search(r"\((SHA256:\S+) instead of (SHA256:\S+)\)", alarm["message"])
    assert shown is not None
    assert shown.group(2) == proof["fingerprint"]
    instance = person.instances(job)[0]
    assert instance["hostKeyAlarmAt"]
    assert instance["sshCommand"] == ""

    # No terminal leads there.
    status, answer = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})
    assert (status, answer["reason"]) == (403, "host_key_changed")

    # The page says it, in the middle.
    page = browser_page(viewport={"width": 1280, "height": 900})
    sign_in(page, portal)
    page.goto(f"{portal.base_url}jobs/{job}/")
    expect(page.locator(".host-key-alarm")).to_contain_text("head showed another host key than it reported")
    expect(page.locator("#copy-ssh")).to_be_disabled()
    expect(page.locator("#job-connect")).to_contain_text("Do not log in to it")

    # The portal keeps away from the node, even when it is itself again.
    fault("swapped_host_key", None)
    before = visits(cloud, node)
    assert before >= 2, "to verify, to launch"
    time_passes(person, job)
    assert visits(cloud, node) == before, "nobody of the portal was there"
    assert stranger.ssh(node, "true").returncode == 0, "its own certificate is still good"

    # An administrator clears the alarm, and everything goes on.
    assert "cleared" in portal.manage("clear_host_key_alarm", job)
    expect(page.locator(".host-key-alarm")).to_have_count(0, timeout=20_000)
    expect(page.locator("#ssh-command")).to_be_visible()
    status, answer = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})
    assert status == 201, answer
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_message(job, "Stored ", 30)


def visits(cloud: httpx.Client, node: dict[str, Any]) -> int:
    """How many logins with a certificate, which only the portal has, the job's nodes have seen."""
    logins = cloud.get(f"/v1/clusters/{node['clusterId']}/logins?after=0").json()["logins"]
    return sum(1 for login in logins if login.get("certificate"))


def time_passes(person: Person, job: str) -> None:
    """Longer than the portal leaves a running command alone (three seconds)."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        person.events(job)
        time.sleep(0.5)


def test_owner_ends_a_job_whose_head_node_is_not_trusted(
    person: Person, jobs: Callable[..., str], fault: Callable[..., None]
) -> None:
    job = jobs(slots=1)
    fault("swapped_host_key", {"node": "head"})
    person.wait_for_message(job, "Host key alarm", 30)
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_cluster(job, "Stopped", 30)
    assert "The cluster is taken away as it is" in person.messages(job)
    assert len(alarms(person, job)) == 1


def test_a_browser_terminal_that_meets_a_stranger_raises_the_alarm(
    portal: Stack,
    person: Person,
    jobs: Callable[..., str],
    fault: Callable[..., None],
    browser_page: Callable[..., Page],
) -> None:
    """On a compute node, to which the portal goes for nothing else."""
    job = jobs(slots=2)
    fault("swapped_host_key", {"node": "compute-1"})
    page = browser_page(viewport={"width": 1280, "height": 900})
    sign_in(page, portal)
    page.goto(f"{portal.base_url}jobs/{job}/")
    page.locator("#open-compute-1").click()
    person.wait_for_message(job, "Host key alarm", 30)
    (alarm,) = alarms(person, job)
    assert alarm["node"] == "compute-1"
    assert "browser terminal" in alarm["message"]
    expect(page.locator(".host-key-alarm")).to_contain_text("compute-1", timeout=20_000)
    # The other node is as good as before.
    assert person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})[0] == 201
    status, answer = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "compute-1"})
    assert (status, answer["reason"]) == (403, "host_key_changed")
