"""A node shows another host key than it reported: people are refused, the portal keeps away and says so."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import PASSWORD
from tests.acceptance.people import Person, sign_in
from tests.acceptance.stranger import Stranger
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    """The one that runs anyway: only nodes of these tests' own clusters are broken."""
    return stack


def alarms(person: Person, job: str) -> list[dict[str, Any]]:
    return [e for e in person.events(job) if e["level"] == "error" and "Host key alarm" in e["message"]]


def clusters(cloud: httpx.Client) -> set[str]:
    """The ids of all clusters there are."""
    return {cluster["id"] for cluster in cloud.get("/v1/clusters").json()["clusters"]}


def test_a_swap_before_the_first_login_and_the_cluster_never_becomes_ready(
    portal: Stack,
    person: Person,
    jobs: Callable[..., str],
    fault: Callable[..., None],
    cloud: httpx.Client,
) -> None:
    fault("slow_boot", {"seconds": 500})  # until the swap
    before = clusters(cloud)
    job = jobs(slots=2, ready=False)
    new = wait_for(lambda: clusters(cloud) - before, "the cluster is ordered") or set()
    fault("swapped_host_key", {"cluster": new.pop(), "node": "compute-1"})
    fault("slow_boot", None)
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
    assert "jobs:node:host_key_alarm tess" in audit
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
    fault("swapped_host_key", {"cluster": node["clusterId"]})

    # People's ssh refuses, and the portal's own next visit raises the alarm.
    said = stranger.ssh(node, "true")
    assert said.returncode == 255
    assert "Host key verification failed" in said.stderr
    person.wait_for_message(job, "Host key alarm")
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
    sign_in(page, portal, "tess", PASSWORD)
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
    expect(page.locator(".host-key-alarm")).to_have_count(0)
    expect(page.locator("#ssh-command")).to_be_visible()
    status, answer = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})
    assert status == 201, answer
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_message(job, "Stored ")


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
    fault("swapped_host_key", {"cluster": person.instances(job)[0]["clusterId"]})
    person.wait_for_message(job, "Host key alarm")
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_cluster(job, "Stopped")
    assert "The cluster is terminated as it is" in person.messages(job)
    assert len(alarms(person, job)) == 1


@pytest.mark.browser
def test_a_browser_terminal_that_meets_a_stranger_raises_the_alarm(
    portal: Stack,
    person: Person,
    jobs: Callable[..., str],
    fault: Callable[..., None],
    browser_page: Callable[..., Page],
) -> None:
    """On a compute node, to which the portal goes for nothing else."""
    job = jobs(slots=2)
    fault("swapped_host_key", {"cluster": person.instances(job)[0]["clusterId"], "node": "compute-1"})
    page = browser_page(viewport={"width": 1280, "height": 900})
    sign_in(page, portal, "tess", PASSWORD)
    page.goto(f"{portal.base_url}jobs/{job}/")
    page.locator("#open-compute-1").click()
    person.wait_for_message(job, "Host key alarm")
    (alarm,) = alarms(person, job)
    assert alarm["node"] == "compute-1"
    assert "browser terminal" in alarm["message"]
    expect(page.locator(".host-key-alarm")).to_contain_text("compute-1")
    # The other node is as good as before.
    assert person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})[0] == 201
    status, answer = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "compute-1"})
    assert (status, answer["reason"]) == (403, "host_key_changed")
