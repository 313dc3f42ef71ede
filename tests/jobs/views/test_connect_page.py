"""Who gets the ways to a node, on the page and over the REST API, and what is said when there are none yet."""

import html
import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.models import Cluster, Job, Node
from jobs.states import Observed
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory, NodeFactory

pytestmark = pytest.mark.django_db
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice"


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """Two nodes that are up."""
    services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    cluster: Cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster, name="compute-1", address="127.20.9.8")
    NodeFactory.create(cluster=cluster, name="head", address="127.20.9.9")
    return cluster


def asked(user: User, job: Job, query: str = "") -> tuple[int, Any]:
    """The answer of the API."""
    answer = client_of(user).get(f"/api/v2/jobs/{job.pk}/connect/{query}")
    return answer.status_code, answer.json()


def shown(client: Client, user: User, job: Job, query: str = "") -> tuple[int, str]:
    """The answer of the page."""
    client.force_login(user)
    answer = client.get(f"/jobs/{job.pk}/connect/{query}")
    return answer.status_code, html.unescape(answer.content.decode())


def test_the_page_shows_each_command_of_the_api(client: Client, alice: User, cluster: Cluster) -> None:
    query = "?node=compute-1&way=jump&local_port=9000&node_port=5901"
    status, answer = asked(alice, cluster.job, query)
    page_status, page = shown(client, alice, cluster.job, query)
    assert (status, page_status) == (200, 200)
    assert (answer["node"], answer["way"], answer["nodes"]) == ("compute-1", "jump", ["head", "compute-1"])
    for command in answer["recipes"]:
        assert f'id="command-{command["id"]}"' in page
        for text in (command["text"], command["title"], command["line"]):
            assert text in page
        for field in command["puttyFields"]:
            assert f">{field['value']}</code>" in page
    assert answer["knownHostsFile"] == f"known_hosts-{cluster.job_id}.txt"
    assert "-L 9000:127.0.0.1:5901" in json.dumps(answer)


def test_the_fragment_is_the_same_without_the_frame(client: Client, alice: User, cluster: Cluster) -> None:
    status, fragment = shown(client, alice, cluster.job, "?fragment=1")
    assert status == 200 and "<html" not in fragment
    assert fragment.strip() in shown(client, alice, cluster.job)[1]


def test_others_are_told_nothing(client: Client, charlie: User, cluster: Cluster) -> None:
    assert shown(client, charlie, cluster.job)[0] == 404
    assert asked(charlie, cluster.job) == (404, asked(charlie, JobFactory.build(id="zzzzzz"))[1])


def test_a_job_that_was_only_saved_has_no_cluster(client: Client, alice: User) -> None:
    job = JobFactory.create(owner=alice)
    status, answer = asked(alice, job)
    assert (status, answer["reason"]) == (404, "no_cluster")
    status, page = shown(client, alice, job)
    assert status == 404 and "The job was not submitted" in page


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (Observed.BOOTING, "not_ready"),
        (Observed.RELEASING, "cluster_gone"),
        (Observed.RELEASED, "cluster_gone"),
    ],
)
def test_before_and_after_its_life_there_is_a_sentence(
    client: Client, alice: User, cluster: Cluster, state: Observed, reason: str
) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(observed_state=state)
    status, answer = asked(alice, cluster.job)
    assert (status, answer["reason"]) == (409, reason)
    status, page = shown(client, alice, cluster.job)
    assert status == 409 and answer["detail"] in page and "ssh -p" not in page


def test_a_node_that_is_not_up_is_not_offered(alice: User, cluster: Cluster) -> None:
    Node.objects.filter(name="compute-1").update(verified_at=None)
    assert asked(alice, cluster.job)[1]["nodes"] == ["head"]
    status, answer = asked(alice, cluster.job, "?node=compute-1")
    assert (status, answer["reason"]) == (409, "not_ready")
    status, answer = asked(alice, cluster.job, "?node=compute-7")
    assert (status, answer["reason"]) == (404, "not_found")


def test_nobody_is_led_to_or_through_a_node_with_a_host_key_alarm(alice: User, cluster: Cluster) -> None:
    Node.objects.filter(name="head").update(host_key_alarm_at=timezone.now())
    status, answer = asked(alice, cluster.job)
    assert (status, answer["reason"]) == (403, "host_key_changed")
    assert asked(alice, cluster.job, "?node=compute-1&way=jump")[0] == 409
    status, answer = asked(alice, cluster.job, "?node=compute-1&way=direct")
    assert status == 200 and "127.20.9.9" not in json.dumps(answer)


@pytest.mark.parametrize("port", ["0", "65536", "x", "", "8888;id", "-1"])
@pytest.mark.parametrize(("field", "camel"), [("local_port", "localPort"), ("node_port", "nodePort")])
def test_a_port_that_is_none_is_a_sentence(
    client: Client, alice: User, cluster: Cluster, field: str, camel: str, port: str
) -> None:
    sentence = "A port is a whole number from 1 to 65535."
    answer = {camel: [sentence], "reason": "bad_port"}
    assert asked(alice, cluster.job, f"?{field}={port}") == (400, answer)
    status, page = shown(client, alice, cluster.job, f"?{field}={port}")
    assert status == 400 and f'id="{field.replace("_", "-")}-error" aria-live="polite">{sentence}' in page
    assert "-L 8888:127.0.0.1:8888" in page, "the other ways are still there"


def test_the_way_is_one_of_two(alice: User, cluster: Cluster) -> None:
    status, answer = asked(alice, cluster.job, "?way=round")
    assert (status, answer["reason"]) == (400, "bad_way")


def test_the_job_page_offers_it_when_there_is_something_to_offer(
    client: Client, alice: User, cluster: Cluster
) -> None:
    client.force_login(alice)
    path = f"/jobs/{cluster.job_id}/"
    assert f'href="{path}connect/" data-open-connect' in client.get(path).content.decode()
    Cluster.objects.filter(pk=cluster.pk).update(observed_state=Observed.BOOTING)
    assert 'id="more-ways" disabled aria-describedby="why-no-command"' in client.get(path).content.decode()
