"""Whoever terminates a cluster is shown what still runs and what it costs, until nothing does."""

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Cluster, Node
from jobs.states import Observed
from jobs.submission import job_actions
from tests.api import client_of
from tests.jobs.making import actor, cluster_of

pytestmark = pytest.mark.django_db


def test_the_log_the_api_and_the_page_name_it(alice: User) -> None:
    cluster, _ = cluster_of(alice, Observed.EXECUTING, slots=3)
    Node.objects.filter(cluster=cluster).update(state="running")
    Node.objects.filter(cluster=cluster, name="compute-2").update(state="stopped")
    job_actions.stop_job(actor(alice), cluster.job)
    price = cluster.job.core_type.price_per_core_hour
    sentence = f"Still running, and costing {cluster.job.core_type.currency} {2 * price:.2f} per hour: head, compute-1."
    assert cluster.job.events.latest("sequence").message == sentence
    still_running = client_of(alice).get(f"/api/v2/jobs/{cluster.job_id}/").json()["stillRunning"]
    assert [node["name"] for node in still_running["nodes"]] == ["head", "compute-1"]
    assert (float(still_running["costPerHour"]), still_running["sentence"]) == (float(2 * price), sentence)
    page = Client()
    page.force_login(alice)
    shown = page.get(f"/jobs/{cluster.job_id}/").content.decode()
    assert 'id="still-running"' in shown
    assert "head, compute-1" in shown


def test_when_nothing_runs_it_says_so(alice: User) -> None:
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    Node.objects.filter(cluster=cluster).update(state="running")
    Cluster.objects.filter(pk=cluster.pk).update(observed_state=Observed.RELEASED)
    still_running = client_of(alice).get(f"/api/v2/jobs/{cluster.job_id}/").json()["stillRunning"]
    assert (still_running["nodes"], still_running["sentence"]) == (
        [],
        "Nothing runs and nothing costs any more.",
    )
