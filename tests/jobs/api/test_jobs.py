"""Jobs over the REST API, in Rescale's wire format."""

import copy
import re
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent, User
from jobs.models import Cluster, Job
from jobs.states import Observed
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory, SSHKeyFactory, StoredFileFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/"
BODY: dict[str, Any] = {
    "name": "cavity",
    "jobanalyses": [
        {
            "analysis": {"code": "user_included", "version": "0"},
            "command": "./Allrun",
            "hardware": {"coreType": "emerald", "coresPerSlot": 1},
        }
    ],
}


def _body(**hardware: Any) -> dict[str, Any]:
    body = copy.deepcopy(BODY)
    body["jobanalyses"][0]["hardware"].update(hardware)
    return body


def _post(user: User, body: Any) -> Any:
    return client_of(user).post(URL, body, format="json")


def test_the_smallest_body_is_saved_and_not_started(alice: User, settings: Settings) -> None:
    answer = _post(alice, BODY)

    assert answer.status_code == 201
    job = answer.json()
    assert re.fullmatch("[A-Za-z]{5,6}", job["id"])
    assert (job["name"], job["owner"]) == ("cavity", "alice@example.org")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", job["dateInserted"])
    assert "jobStatus" not in job
    [analysis] = job["jobanalyses"]
    assert analysis["command"] == "./Allrun"
    assert analysis["hardware"]["coreType"] == "emerald"
    assert analysis["hardware"]["slots"] == 1
    assert analysis["hardware"]["walltime"] == settings.HEADNODE_MAX_JOB_HOURS
    assert not Cluster.objects.exists()
    assert client_of(alice).get(f"{URL}{job['id']}/statuses/").json()["results"] == []


def test_the_core_type_comes_and_goes_as_the_version_has_it(alice: User) -> None:
    old = _post(alice, _body(coreType={"code": "emerald"})).json()
    new = client_of(alice).post("/api/v3/jobs/", _body(coreType="emerald"), format="json").json()

    assert old["jobanalyses"][0]["hardware"]["coreType"] == "emerald"
    assert new["jobanalyses"][0]["hardware"]["coreType"] == {"code": "emerald"}


def test_keys_nobody_knows_are_ignored(alice: User) -> None:
    body = {**_body(cores=1, walltime=48, foo={"a": [1]}), "project_id": "x", "useRescaleLicense": False}

    assert _post(alice, body).status_code == 201


def test_what_is_asked_is_what_is_saved(alice: User) -> None:
    body = _body(slots=3, coresPerSlot=2, walltime=1.5)
    body["jobanalyses"][0] |= {"envVars": {"CASE": "a b\n"}, "command": 'echo "héllo"\n\tsleep 1'}
    body |= {"isLowPriority": True, "autoTerminateCluster": False, "projectId": "p1"}
    said = client_of(alice).get(f"{URL}{_post(alice, body).json()['id']}/").json()

    [analysis] = said["jobanalyses"]
    assert analysis["hardware"] | body["jobanalyses"][0]["hardware"] == analysis["hardware"]
    assert (analysis["envVars"], analysis["command"]) == ({"CASE": "a b\n"}, 'echo "héllo"\n\tsleep 1')
    assert (said["projectId"], said["autoTerminateCluster"], said["billingPriorityValue"]) == (
        "p1",
        False,
        "ON_DEMAND",
    )


@pytest.mark.parametrize(
    ("hardware", "field"),
    [
        ({"coresPerSlot": 3}, "coresPerSlot"),
        ({"coresPerSlot": True}, "coresPerSlot"),
        ({"coresPerSlot": "many"}, "coresPerSlot"),
        ({"slots": 0}, "slots"),
        ({"slots": 5000}, "slots"),
        ({"slots": 1.5}, "slots"),
        ({"walltime": -1}, "walltime"),
        ({"walltime": 0}, "walltime"),
        ({"walltime": 10**6}, "walltime"),
        ({"walltime": "soon"}, "walltime"),
        ({"coreType": "no-such"}, "coreType"),
        ({"coreType": {"code": None}}, "coreType"),
        ({"coreType": ""}, "coreType"),
    ],
)
def test_wrong_hardware_is_named_in_its_place(alice: User, hardware: Any, field: str) -> None:
    answer = _post(alice, _body(**hardware))

    assert answer.status_code == 400
    [analysis] = answer.json()["jobanalyses"]
    assert isinstance(analysis["hardware"][field][0], str)
    assert not Job.objects.exists()


def test_every_problem_is_named_at_once(alice: User) -> None:
    body = _body(coresPerSlot=3, slots=0)
    body["name"] = body["jobanalyses"][0]["command"] = " "
    answer = _post(alice, body).json()

    assert set(answer) == {"name", "jobanalyses"}
    assert set(answer["jobanalyses"][0]) == {"command", "hardware"}
    assert set(answer["jobanalyses"][0]["hardware"]) == {"coresPerSlot", "slots"}
    assert all(isinstance(leaf, str) for leaf in _leaves(answer))


def _leaves(tree: Any) -> Any:
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else None
    if inner is None:
        yield tree
        return
    for branch in inner:
        yield from _leaves(branch)


def test_an_input_file_must_be_ones_own(alice: User, bob: User) -> None:
    mine, his = StoredFileFactory.create(owner=alice), StoredFileFactory.create(owner=bob)
    body = copy.deepcopy(BODY)
    body["jobanalyses"][0]["inputFiles"] = [{"id": mine.pk}, {"id": his.pk}]
    answer = _post(alice, body)

    assert answer.status_code == 400
    assert answer.json()["jobanalyses"][0]["inputFiles"][0] == {}
    assert "no file" in answer.json()["jobanalyses"][0]["inputFiles"][1]["id"][0]


def test_input_files_are_kept_with_the_job_in_order(alice: User) -> None:
    one, two = StoredFileFactory.create(owner=alice), StoredFileFactory.create(owner=alice)
    body = copy.deepcopy(BODY)
    body["jobanalyses"][0]["inputFiles"] = [{"id": two.pk, "decompress": False}, {"id": one.pk}]
    job = _post(alice, body)

    assert job.status_code == 201
    assert job.json()["jobanalyses"][0]["inputFiles"] == [
        {"id": two.pk, "name": two.name, "decompress": False},
        {"id": one.pk, "name": one.name, "decompress": True},
    ]


def test_a_long_command_is_kept_whole(alice: User) -> None:
    body = copy.deepcopy(BODY)
    body["jobanalyses"][0]["command"] = command = "echo 'ä\"$x'\n" * 8000
    job_id = _post(alice, body).json()["id"]

    assert Job.objects.get(pk=job_id).command == command


def test_submit_answers_200_and_nothing(alice: User) -> None:
    SSHKeyFactory.create(owner=alice)
    job = JobFactory.create(owner=alice)
    answer = client_of(alice).post(f"{URL}{job.pk}/submit/", {"foo": "foo"}, format="json")

    assert (answer.status_code, answer.content) == (200, b"")
    assert Cluster.objects.filter(job=job).exists()
    assert "ssh-ed25519" in client_of(alice).get(f"{URL}{job.pk}/").json()["publicKey"]


def test_submitting_twice_says_which_state_it_is_in(alice: User) -> None:
    job = JobFactory.create(owner=alice)
    client = client_of(alice)
    client.post(f"{URL}{job.pk}/submit/")
    answer = client.post(f"{URL}{job.pk}/submit/")

    assert answer.status_code == 409
    assert answer.json()["reason"] == "already_submitted"
    assert (answer.json()["state"], answer.json()["clusterState"]) == ("Pending", "Not Started")
    assert Cluster.objects.count() == 1


def test_stop_answers_202_and_nothing_however_often(alice: User) -> None:
    job = ClusterFactory.create(job__owner=alice).job
    for _ in range(2):
        answer = client_of(alice).post(f"{URL}{job.pk}/stop/")
        assert (answer.status_code, answer.content) == (202, b"")

    assert AuditEvent.objects.filter(action="jobs:job:stopped").count() == 1


def test_a_job_that_never_started_cannot_be_stopped(alice: User) -> None:
    answer = client_of(alice).post(f"{URL}{JobFactory.create(owner=alice).pk}/stop/")

    assert answer.status_code == 409
    assert (answer.json()["reason"], answer.json()["state"]) == ("not_submitted", "Saved")


def test_deleting_waits_for_the_cluster(alice: User) -> None:
    cluster = ClusterFactory.create(job__owner=alice)
    client = client_of(alice)
    refused = client.delete(f"{URL}{cluster.job_id}/")

    assert refused.status_code == 400
    assert refused.json()["reason"] == "cluster_running"
    Cluster.objects.update(observed_state=Observed.RELEASED)
    assert client.delete(f"{URL}{cluster.job_id}/?deleteInputFiles=True").status_code == 204
    assert client.get(f"{URL}{cluster.job_id}/").status_code == 404


def test_patch_echoes_the_project(alice: User) -> None:
    job = JobFactory.create(owner=alice)
    answer = client_of(alice).patch(f"{URL}{job.pk}/", {"projectId": "x"}, format="json")

    assert answer.status_code == 200
    assert answer.json()["projectId"] == "x"
    assert (
        client_of(alice).patch(f"{URL}{job.pk}/", {"projectId": None}, format="json").json()["projectId"]
        is None
    )


def test_a_saved_job_can_be_changed_and_the_rest_of_it_stays(alice: User) -> None:
    job_id = _post(alice, _body(slots=2)).json()["id"]
    change = {"jobanalyses": [{"hardware": {"coresPerSlot": 4}}]}
    answer = client_of(alice).patch(f"{URL}{job_id}/", change, format="json").json()

    hardware = answer["jobanalyses"][0]["hardware"]
    assert (hardware["coresPerSlot"], hardware["slots"], hardware["coreType"]) == (4, 2, "emerald")
    assert AuditEvent.objects.get(action="jobs:job:edited").after == {"cores_per_slot": 4}


def test_a_change_is_checked_like_a_new_job(alice: User) -> None:
    job_id = _post(alice, BODY).json()["id"]
    change = {"jobanalyses": [{"hardware": {"coresPerSlot": 3}}]}
    answer = client_of(alice).patch(f"{URL}{job_id}/", change, format="json")

    assert answer.status_code == 400
    assert "coresPerSlot" in answer.json()["jobanalyses"][0]["hardware"]


def test_of_a_submitted_job_only_labels_change(alice: User) -> None:
    snapshot = {
        "access_rules": [{"cidr": "192.0.2.0/24"}],
        "ssh_keys": [{"name": "k", "fingerprint": "SHA256:x", "public_key": "ssh-ed25519 AAAA x"}],
    }
    job = ClusterFactory.create(job__owner=alice, job__settings_snapshot=snapshot).job
    client = client_of(alice)
    whole = client.get(f"{URL}{job.pk}/").json()

    assert client.put(f"{URL}{job.pk}/", {**whole, "name": "new"}, format="json").json()["name"] == "new"
    whole["jobanalyses"][0]["command"] = "something else"
    refused = client.put(f"{URL}{job.pk}/", whole, format="json")
    assert (refused.status_code, refused.json()["reason"]) == (409, "already_submitted")
    assert Job.objects.get(pk=job.pk).command == "echo hello"


def test_how_it_ended_is_said(alice: User) -> None:
    job = JobFactory.create(
        owner=alice, exit_code=3, outcome="failed", outcome_reason="The command exited with 3."
    )
    said = client_of(alice).get(f"{URL}{job.pk}/").json()

    assert (said["exitCode"], said["outcome"]) == (3, "failed")
