"""Nothing that the body of a job says is dropped in silence: each key is done and read back, or refused by name."""

import copy
from typing import Any

import pytest

from accounts.models import User
from jobs.api.not_offered import READ_ONLY
from jobs.models import Job
from tests.api import client_of
from tests.factories import SSHKeyFactory, StoredFileFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/"
# Every key of a job and of an analysis that Rescale's objects have, with a value that says something.
JOB_KEYS: dict[str, Any] = {
    "name": "all keys",
    "description": "two\nlines",
    "projectId": "p1",
    "billingPriorityValue": "ON_DEMAND",
    "isLowPriority": True,
    "archiveFilters": [{"selector": "*.vtk"}, {"selector": "logs/*"}],
    "userTags": [{"name": "wing"}, {"name": "coarse"}],
    "cidrRule": "192.0.2.0/24,198.51.100.7/32",
    "autoTerminateCluster": False,
    "isInteractive": True,
    "idleMinutes": 30,
}
ANALYSIS_KEYS: dict[str, Any] = {
    "command": "./solver",
    "envVars": {"CASE": "a"},
    "flags": {"igCv": False, "runForever": True},
    "useMpi": True,
    "preProcessScriptCommand": "bash pre.sh",
    "postProcessScriptCommand": "bash post.sh",
    "useRescaleLicense": True,
    "onDemandLicenseSeller": {"code": "rescale-trial"},
    "userDefinedLicenseSettings": {"featureSets": [{"name": "USER_SPECIFIED", "features": []}]},
}
REFUSED_JOB_KEYS: dict[str, Any] = {
    "resourceFilters": [{"name": "x"}],
    "caseFile": {"id": "Ab12cd"},
    "paramFile": {"id": "Ab12cd"},
    "jobvariables": [{"name": "x"}],
    "includeNominalRun": True,
    "isTemplateDryRun": True,
    "isTemplate": True,
    "monteCarloIterations": 5,
    "optimizer": {"name": "x"},
    "remoteVizConfig": {"x": 1},
    "launchConfig": {"x": 1},
    "folderId": "f1",
    "osCostTier": "windows",
    "isPinned": True,
    "expectedRuns": 7,
    "apiKey": "secret",
}
ONLY_READ = {"id", "owner", "ownerId", "dateInserted", "sshPort", "elapsedWalltimeSeconds", "jobUsername",
             "currentUserHasFullAccess", "clonedFrom", "sharedWith", "suspendAvailable"}  # fmt: skip


@pytest.fixture
def body(alice: User) -> dict[str, Any]:
    """A job with every key that is done here."""
    SSHKeyFactory.create(owner=alice)
    files = [StoredFileFactory.create(owner=alice, name=name) for name in ("in.dat", "pre.sh", "post.sh")]
    hardware = {"coreType": "emerald", "coresPerSlot": 2, "slots": 3, "walltime": 2, "type": "interactive"}
    return copy.deepcopy(JOB_KEYS) | {
        "publicKey": alice.ssh_keys.get().public_key,
        "jobanalyses": [
            copy.deepcopy(ANALYSIS_KEYS)
            | {
                "analysis": {"code": "user_included", "version": "0"},
                "hardware": hardware,
                "inputFiles": [{"id": files[0].pk, "decompress": False}],
                "preProcessScript": {"id": files[1].pk},
                "postProcessScript": {"id": files[2].pk},
            }
        ],
    }


def _post(user: User, body: Any) -> Any:
    return client_of(user).post(URL, body, format="json")


def _includes(found: Any, said: Any) -> bool:
    if isinstance(said, dict):
        return all(key in found and _includes(found[key], value) for key, value in said.items())
    if isinstance(said, list):
        return len(found) == len(said) and all(map(_includes, found, said))
    return bool(found == said)


def test_every_key_that_is_done_is_read_back(alice: User, body: dict[str, Any]) -> None:
    made = _post(alice, body)
    assert made.status_code == 201, made.json()
    found = client_of(alice).get(f"{URL}{made.json()['id']}/").json()

    said = {key: value for key, value in body.items() if key not in ("publicKey", "jobanalyses")}
    wrong = {
        key: (value, found.get(key)) for key, value in said.items() if not _includes(found.get(key), value)
    }
    [analysis], [asked] = found["jobanalyses"], body["jobanalyses"]
    wrong |= {
        key: (value, analysis.get(key)) for key, value in asked.items() if not _includes(analysis[key], value)
    }
    assert not wrong


@pytest.mark.parametrize("key", REFUSED_JOB_KEYS)
def test_what_is_not_offered_is_refused_by_name(alice: User, body: dict[str, Any], key: str) -> None:
    answer = _post(alice, {**body, key: REFUSED_JOB_KEYS[key]})

    assert answer.status_code == 400
    assert isinstance(answer.json()[key][0], str)
    assert not Job.objects.exists()


@pytest.mark.parametrize("value", ["RESERVED", "SOON", 3])
def test_a_priority_that_is_not_offered_is_refused(alice: User, body: dict[str, Any], value: Any) -> None:
    answer = _post(alice, {**body, "billingPriorityValue": value})

    assert answer.status_code == 400
    assert "billingPriorityValue" in answer.json()


def test_template_tasks_are_refused_at_their_analysis(alice: User, body: dict[str, Any]) -> None:
    body["jobanalyses"][0]["templateTasks"] = [{"templateFile": {"id": "Ab12cd"}}]
    answer = _post(alice, body)

    assert answer.status_code == 400
    assert isinstance(answer.json()["jobanalyses"][0]["templateTasks"][0], str)


def test_what_was_answered_can_be_sent_back_whole(alice: User, body: dict[str, Any]) -> None:
    found = _post(alice, body).json()
    found["publicKey"] = body["publicKey"]

    again = _post(alice, found)
    assert again.status_code == 201, again.json()
    changes = {"id", "dateInserted", "jobUsername", "publicKey"}
    differ = {key for key, value in again.json().items() if value != found[key]}
    assert differ <= changes
    put = client_of(alice).put(f"{URL}{found['id']}/", found, format="json")
    assert put.status_code == 200, put.json()


def test_every_key_of_the_answer_is_done_or_refused_or_only_read(alice: User, body: dict[str, Any]) -> None:
    found = _post(alice, body).json()
    ours = {"dateSubmitted", "dateCompleted", "settingsChanged", "deadline", "deadlineReason", "deadlineLatest",
            "stillRunning", "exitCode", "outcome", "outcomeReason", "activity"}  # fmt: skip

    assert set(READ_ONLY) == ONLY_READ
    assert set(found) - set(body) - set(REFUSED_JOB_KEYS) - ours == ONLY_READ


@pytest.mark.parametrize("empty", [[], {}, "", None])
def test_empty_forms_are_taken_as_absent(alice: User, body: dict[str, Any], empty: Any) -> None:
    analysis = body["jobanalyses"][0]
    analysis["hardware"] |= {"walltime": empty, "slots": empty}
    analysis |= {"templateTasks": empty, "envVars": empty, "useMpi": empty, "flags": empty}
    del analysis["preProcessScript"], analysis["postProcessScript"]
    body |= {"jobvariables": empty, "paramFile": empty, "isLowPriority": empty, "cidrRule": empty}
    answer = _post(alice, body)

    assert answer.status_code == 201, answer.json()
    assert answer.json()["jobanalyses"][0]["hardware"]["slots"] == 1
    assert answer.json()["cidrRule"] is None


def test_a_key_that_is_not_saved_is_refused(alice: User, bob: User, body: dict[str, Any]) -> None:
    answer = _post(alice, {**body, "publicKey": SSHKeyFactory.create(owner=bob).public_key})

    assert answer.status_code == 400
    assert "Job Settings" in answer.json()["publicKey"][0]


@pytest.mark.parametrize("rule", ["everywhere", "192.0.2.0/40", "192.0.2.1, x"])
def test_a_wrong_rule_is_refused(alice: User, body: dict[str, Any], rule: str) -> None:
    answer = _post(alice, {**body, "cidrRule": rule})

    assert answer.status_code == 400
    assert isinstance(answer.json()["cidrRule"][0], str)


def test_contradictions_are_refused(alice: User, body: dict[str, Any]) -> None:
    priority = _post(alice, {**body, "isLowPriority": False})
    end = _post(alice, {**body, "autoTerminateCluster": True})
    body["jobanalyses"][0]["preProcessScriptCommand"] = ""
    script = _post(alice, body)

    assert "billingPriorityValue" in priority.json()
    assert "autoTerminateCluster" in end.json()
    assert "preProcessScriptCommand" in script.json()["jobanalyses"][0]


def test_a_script_must_be_ones_own(alice: User, bob: User, body: dict[str, Any]) -> None:
    body["jobanalyses"][0]["preProcessScript"] = {"id": StoredFileFactory.create(owner=bob).pk}
    answer = _post(alice, body)

    assert answer.status_code == 400
    assert "no file" in answer.json()["jobanalyses"][0]["preProcessScript"]["id"][0]


def test_two_different_files_of_one_name_are_refused(alice: User, body: dict[str, Any]) -> None:
    twin = StoredFileFactory.create(owner=alice, name="in.dat")
    body["jobanalyses"][0]["inputFiles"].append({"id": twin.pk})
    answer = _post(alice, body)

    assert (answer.status_code, answer.json()["reason"]) == (400, "file_name_twice")


# -- several analyses -----------------------------------------------------------------------------


def _two(body: dict[str, Any], **second: Any) -> dict[str, Any]:
    first = body["jobanalyses"][0]
    other = {"analysis": {"code": "python"}, "command": "python post.py", "hardware": first["hardware"]}
    return {**body, "jobanalyses": [first, {**other, **second}]}


def test_several_analyses_are_kept_in_order(alice: User, body: dict[str, Any]) -> None:
    extra = StoredFileFactory.create(owner=alice, name="post.py")
    made = _post(alice, _two(body, envVars={"B": "2"}, inputFiles=[{"id": extra.pk}]))
    assert made.status_code == 201, made.json()
    first, second = made.json()["jobanalyses"]

    assert (first["command"], second["command"]) == ("./solver", "python post.py")
    assert (first["envVars"], second["envVars"]) == ({"CASE": "a"}, {"B": "2"})
    assert [file["name"] for file in second["inputFiles"]] == ["post.py"]
    assert [file["name"] for file in first["inputFiles"]] == ["in.dat"]
    assert second["analysis"]["name"] == "Python"
    listed = client_of(alice).get(URL).json()["results"][0]
    assert listed["analysisNames"] == ["Bring Your Own Software", "Python"]


def test_other_hardware_in_a_later_analysis_is_refused_in_its_place(
    alice: User, body: dict[str, Any]
) -> None:
    other = {**body["jobanalyses"][0]["hardware"], "coresPerSlot": 1}
    answer = _post(alice, _two(body, hardware=other))

    assert answer.status_code == 400
    assert answer.json()["jobanalyses"][0] == {}
    assert "one cluster" in answer.json()["jobanalyses"][1]["hardware"][0]


def test_a_problem_of_a_later_analysis_is_named_in_its_place(alice: User, body: dict[str, Any]) -> None:
    answer = _post(alice, _two(body, command=" ", analysis={"code": "nosuch"}))

    assert answer.json()["jobanalyses"][0] == {}
    assert set(answer.json()["jobanalyses"][1]) == {"command", "analysis"}


def test_analyses_are_replaced_as_a_list(alice: User, body: dict[str, Any]) -> None:
    job = _post(alice, _two(body)).json()
    client = client_of(alice)
    kept = client.patch(f"{URL}{job['id']}/", {"name": "new"}, format="json").json()
    assert [a["command"] for a in kept["jobanalyses"]] == ["./solver", "python post.py"]
    put = client.put(f"{URL}{job['id']}/", {"name": "newer"}, format="json")
    assert (put.status_code, len(put.json()["jobanalyses"])) == (200, 2)

    fewer = client.patch(f"{URL}{job['id']}/", {"jobanalyses": [{"command": "one"}]}, format="json")
    assert [a["command"] for a in fewer.json()["jobanalyses"]] == ["one"]
    assert [file["name"] for file in fewer.json()["jobanalyses"][0]["inputFiles"]] == ["in.dat"]


def test_an_interactive_job_needs_no_command(alice: User, body: dict[str, Any]) -> None:
    body["jobanalyses"][0]["command"] = ""
    assert _post(alice, body).status_code == 201
    body |= {"isInteractive": False}
    body["jobanalyses"][0]["hardware"]["type"] = "compute"
    assert _post(alice, body).status_code == 400


# -- a job that has ended -------------------------------------------------------------------------


def test_of_a_job_that_has_ended_labels_change_and_unknown_keys_are_ignored(alice: User) -> None:
    job = Job.objects.get(pk=_post(alice, _smallest()).json()["id"])
    Job.objects.filter(pk=job.pk).update(submitted_at=job.created_at, completed_at=job.created_at)
    client = client_of(alice)
    change = {"description": "kept", "userTags": ["done"], "isLowPriority": True, "foo": "foo"}
    answer = client.patch(f"{URL}{job.pk}/", change, format="json")

    assert answer.status_code == 200
    assert (answer.json()["description"], answer.json()["userTags"]) == ("kept", [{"name": "done"}])
    for run in (
        {"archiveFilters": ["*"]},
        {"jobanalyses": [{"command": "other"}]},
        {"cidrRule": "192.0.2.1"},
    ):
        refused = client.patch(f"{URL}{job.pk}/", run, format="json")
        assert (refused.status_code, refused.json()["reason"]) == (409, "already_submitted")


def _smallest() -> dict[str, Any]:
    hardware = {"coreType": "emerald", "coresPerSlot": 1}
    analysis = {
        "analysis": {"code": "user_included", "version": "0"},
        "command": "true",
        "hardware": hardware,
    }
    return {"name": "smallest", "jobanalyses": [analysis]}
