"""Clusters over the REST API: launched or checked from a definition, listed, called by handle, terminated."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from jobs.models import Cluster, ClusterDefinition, Job
from jobs.states import Desired
from tests.api import client_of, send
from tests.factories import ClusterFactory, StoredFileFactory
from tests.jobs.definitions.catalogue import HEAD

pytestmark = pytest.mark.django_db
URL = "/api/v2/clusters/"
MIXED = (
    HEAD
    + '[[members]]\nprefix = "compute"\ncount = 2\ncore_type = "emerald"\n'
    + '[[members]]\nprefix = "compute"\ncount = 1\ncore_type = "onyx"\ncores = 4\nprovides = ["fast"]\n'
)


def post(user: User, text: str | bytes, content_type: str = "application/toml", query: str = "") -> Any:
    return send(client_of(user), "POST", f"{URL}{query}", text, content_type)


def test_a_definition_launches_a_cluster_of_unlike_members(alice: User) -> None:
    answer = post(alice, MIXED)

    assert answer.status_code == 201
    told = answer.json()
    assert (told["handle"], told["name"], told["status"]) == ("cluster-001", "trial", "Not Started")
    assert (told["nodes"], told["cores"], told["hours"]) == (4, 7, 2)
    assert told["coreTypes"] == ["Emerald", "Onyx"]
    assert told["ratePerHour"] == pytest.approx(3 * 0.05 + 4 * 0.085)
    assert [(m["name"], m["coreType"], m["cores"], m["provides"]) for m in told["members"]] == [
        ("head", "emerald", 1, []),
        ("compute-1", "emerald", 1, []),
        ("compute-2", "emerald", 1, []),
        ("compute-3", "onyx", 4, ["fast"]),
    ]
    assert (told["fromDefinition"], told["definition"]) == (True, MIXED)
    job = Job.objects.get(pk=told["jobId"])
    assert (job.owner, job.command, job.auto_terminate_cluster) == (alice, "", True)
    assert job.submitted_at is not None
    assert job.cluster.plan["members"][3]["provides"] == ["fast"]
    messages = list(job.events.values_list("message", flat=True))
    assert "Launched from a definition as cluster-001: 3 x Emerald, 1 x Onyx, 7 cores in all." in messages
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions[-3:] == ["jobs:job:created", "jobs:job:submitted", "jobs:cluster:launched"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (HEAD, "text/plain"),
        (HEAD, "text/plain; charset=utf-8"),
        (HEAD, "application/toml"),
        (json.dumps({"definition": HEAD}), "application/json"),
    ],
)
def test_a_definition_may_come_as_text_as_toml_or_in_json(alice: User, body: str, content_type: str) -> None:
    assert post(alice, body, content_type).status_code == 201


def test_a_check_says_what_would_be_launched_and_launches_nothing(alice: User) -> None:
    answer = post(alice, MIXED, query="?check=true")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["name"], told["nodes"], told["cores"], told["currency"]) == ("trial", 4, 7, "USD")
    assert told["members"][3] == {
        "name": "compute-3",
        "role": "compute",
        "coreType": "onyx",
        "cores": 4,
        "provides": ["fast"],
        "requires": [],
    }
    assert not Job.objects.exists()


def test_a_check_that_is_misspelt_launches_nothing(alice: User) -> None:
    answer = post(alice, HEAD, query="?check=ture")
    assert (answer.status_code, answer.json()["check"]) == (400, ["Send check=true, or leave it out."])
    assert not Job.objects.exists()


@pytest.mark.parametrize("query", ["", "?check=true"])
def test_every_problem_is_told_with_its_line_and_nothing_is_left_behind(alice: User, query: str) -> None:
    text = MIXED.replace('"onyx"', '"onix"').replace("hours = 2", "hours = 1000")
    answer = post(alice, text, query=query)

    assert answer.status_code == 400
    told = answer.json()
    assert told["reason"] == "definition_invalid"
    assert told["definition"] == [
        "line 2, hours: must be more than 0 and at most 48 hours, not 1000.",
        "line 14, members[2].core_type: there is no core type 'onix'; did you mean 'onyx'?",
    ]
    assert told["problems"][1] == {
        "line": 14,
        "key": "members[2].core_type",
        "message": "there is no core type 'onix'; did you mean 'onyx'?",
    }
    assert not Job.objects.exists()
    assert not ClusterDefinition.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n\0", "application/toml", "line 1: this is not text in UTF-8."),
        (b"a = '\0'", "text/plain", "line 1: there is a NUL byte here"),
        (b"\n", "text/plain", "The definition is empty."),
        (b"", "text/plain", "Send the definition as text/plain"),
        (b"#" * 300_000, "text/plain", "The definition is longer than 256 kB"),
        (
            json.dumps({"definition": "a = '\ud800'"}).encode(),
            "application/json",
            "line 1: there is the control",
        ),
        (b"{}", "application/json", "Send the definition as text/plain or application/toml"),
        (b"[]", "application/json", "Send the definition as text/plain or application/toml"),
        (b'{"definition": 7}', "application/json", "Send the definition as text/plain or application/toml"),
        (HEAD.encode(), "application/x-www-form-urlencoded", "Send the definition as text/plain"),
    ],
)
def test_what_is_no_definition_is_refused_with_a_sentence(
    alice: User, body: bytes, content_type: str, sentence: str
) -> None:
    answer = post(alice, body, content_type)
    assert answer.status_code == 400
    assert answer.json()["definition"][0].startswith(sentence)


def test_a_form_may_bring_it_as_a_file(alice: User) -> None:
    file = SimpleUploadedFile("one-head.toml", HEAD.encode())
    assert client_of(alice).post(URL, {"definition": file}, format="multipart").status_code == 201


def test_another_form_is_415(alice: User) -> None:
    assert post(alice, "<x/>", "application/xml").status_code == 415


def test_input_files_are_named_by_name_or_id_and_must_be_ones_own(alice: User, bob: User) -> None:
    old = StoredFileFactory.create(owner=alice, name="mesh.zip")
    new = StoredFileFactory.create(owner=alice, name="mesh.zip")
    other = StoredFileFactory.create(owner=alice)
    theirs = StoredFileFactory.create(owner=bob, name="theirs.zip")
    job = Job.objects.get(pk=post(alice, f'input_files = ["mesh.zip", "{other.pk}"]\n{HEAD}').json()["jobId"])
    assert set(job.inputs.values_list("file_id", flat=True)) == {new.pk, other.pk} - {old.pk}

    refused = post(alice, f'input_files = ["theirs.zip", "{theirs.pk}"]\n{HEAD}').json()
    assert [problem["key"] for problem in refused["problems"]] == ["input_files[0]", "input_files[1]"]


def test_a_command_runs_as_a_jobs_does(alice: User) -> None:
    told = post(alice, 'command = "hostname"\nauto_terminate = false\n' + HEAD).json()
    job = Job.objects.get(pk=told["jobId"])
    assert (job.command, job.auto_terminate_cluster) == ("hostname", False)


def test_the_list_has_every_cluster_of_ones_own_with_few_queries(
    alice: User, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        post(alice, MIXED)
    ClusterFactory.create(job__owner=alice, job__slots=3)
    ClusterFactory.create(job__owner=bob)
    client = client_of(alice)
    with django_assert_max_num_queries(12):
        told = client.get(URL).json()
    assert told["count"] == 4
    handles = [row["handle"] for row in told["results"]]
    assert handles == ["cluster-004", "cluster-003", "cluster-002", "cluster-001"]
    assert [row["fromDefinition"] for row in told["results"]] == [False, True, True, True]
    assert (told["results"][0]["nodes"], told["results"][1]["cores"]) == (3, 7)


def test_terminate_by_handle_and_again(alice: User) -> None:
    post(alice, HEAD)
    for _ in range(2):
        assert client_of(alice).post(f"{URL}cluster-001/terminate/").status_code == 202
    assert Cluster.objects.get().desired_state == Desired.STOPPED
    assert client_of(alice).get(f"{URL}cluster-001/").json()["status"] == "Stop Requested"


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_a_handle_is_ones_own(request: pytest.FixtureRequest, alice: User, who: str) -> None:
    post(alice, HEAD)
    other = client_of(request.getfixturevalue(who))
    assert other.get(f"{URL}cluster-001/").status_code == 404
    assert other.post(f"{URL}cluster-001/terminate/").status_code == 404
    assert other.get(URL).json()["results"] == []
    assert Cluster.objects.get().desired_state == Desired.RUNNING


@pytest.mark.parametrize(
    "handle", ["cluster-1", "cluster-002", "cluster-0001a", "vm-001", "%00", "cluster-" + "9" * 40]
)
def test_a_handle_nothing_has_is_not_found(alice: User, handle: str) -> None:
    post(alice, HEAD)
    assert client_of(alice).get(f"{URL}{handle}/").status_code == 404
