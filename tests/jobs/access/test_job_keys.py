"""The key of a job reads its own job and its files, uploads files, does nothing else, and ends with the job."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import APIToken, AuditEvent, User
from accounts.refusals import Refused
from accounts.users.websocket_authentication import WebsocketAuthentication
from jobs.access import job_keys
from jobs.access.job_keys import JobKey, key_of, variables, with_variables, without_key
from jobs.control import job_steps
from jobs.models import Cluster, JobInput, StoredFile, Upload
from jobs.states import Observed
from portal.token_scopes import ROUTES
from tests.api import client_of
from tests.factories import StoredFileFactory
from tests.jobs.api.tus import metadata
from tests.jobs.making import cluster_of, saved_job

pytestmark = pytest.mark.django_db
OVER = [state for state in Observed if state not in job_keys.COMMAND_RUNS]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture
def cluster(alice: User) -> Cluster:
    """The cluster of a job of alice's whose command runs."""
    return cluster_of(alice, Observed.EXECUTING)[0]


def with_key(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return client


def answer_of(client: APIClient, path: str) -> tuple[int, str]:
    answer = client.get(f"/api/v2/{path}")
    return answer.status_code, answer.json().get("reason", "") if answer.status_code >= 400 else ""


def uploaded(client: APIClient, name: str = "restart.dat") -> Any:
    return client.post("/api/v2/files/contents/", {"file": SimpleUploadedFile(name, b"restart")})


@pytest.mark.parametrize(
    "what", ["", "statuses/", "cluster_statuses/", "events/", "logs/", "tags/", "files/"]
)
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_it_reads_its_own_job(cluster: Cluster, version: str, what: str) -> None:
    answer = with_key(key_of(cluster)).get(f"/api/{version}/jobs/{cluster.job_id}/{what}")
    assert answer.status_code == 200, answer.json()
    if what == "":
        assert answer.json()["id"] == cluster.job_id


def test_what_is_not_listed_is_refused_on_every_route(cluster: Cluster) -> None:
    """Each route of the API with each method, also with the job's own id in its path."""
    key = JobKey(cluster.job_id)
    passed = set()
    for route in [*ROUTES, "new/", None]:
        for method in METHODS:
            try:
                key.check_reach(route, {"id": cluster.job_id, "run": "1"}, method)
            except Refused as refused:
                assert (refused.status, refused.reason) == (403, "scope_missing")
            else:
                passed.add((str(route), method))
    writing = {(route, method) for route, method in passed if method not in ("GET", "HEAD", "OPTIONS")}
    assert writing == {
        ("files/contents/", "POST"),
        ("files/contents/", "PUT"),
        ("uploads/", "POST"),
        ("uploads/<str:id>/", "PATCH"),
        ("uploads/<str:id>/", "DELETE"),
    }
    private = ("users/", "api-token", "terminal", "clusters/", "machines/", "host-", "projects/", "budgets/")
    assert not [route for route, _ in passed if route.startswith(private)]
    assert set(job_keys.REACH) <= set(ROUTES)


@pytest.mark.parametrize(
    "path", ["users/me/", "users/me/tokens/", "users/me/ssh-keys/", "jobs/", "clusters/", ""]
)
def test_the_rest_of_the_api_is_closed(cluster: Cluster, path: str) -> None:
    assert answer_of(with_key(key_of(cluster)), path) == (403, "scope_missing")


def test_it_changes_nothing_of_its_job_and_makes_none(cluster: Cluster) -> None:
    client, url = with_key(key_of(cluster)), f"/api/v2/jobs/{cluster.job_id}/"
    refused = [
        client.post("/api/v2/jobs/", {"name": "x"}, format="json"),
        client.patch(url, {"name": "x"}, format="json"),
        client.delete(url),
        client.post(f"{url}stop/"),
        client.post(f"{url}clone/"),
        client.post(f"{url}tags/", {"name": "x"}, format="json"),
        client.post("/api/v2/terminal-sessions/", {"job": cluster.job_id}, format="json"),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)


def test_other_jobs_are_closed_its_owners_and_other_peoples(
    cluster: Cluster, alice: User, charlie: User
) -> None:
    client = with_key(key_of(cluster))
    for other in (saved_job(alice), saved_job(charlie), cluster_of(alice, Observed.EXECUTING)[0].job):
        for what in ("", "events/", "files/", "statuses/"):
            assert answer_of(client, f"jobs/{other.pk}/{what}")[0] == 403


def test_it_reads_its_files_and_no_others(cluster: Cluster, alice: User, charlie: User) -> None:
    job, other = cluster.job, cluster_of(alice, Observed.EXECUTING)[0].job
    mine = [StoredFileFactory.create(owner=alice) for _ in range(2)]
    JobInput.objects.create(job=job, file=mine[0])
    output = StoredFileFactory.create(owner=alice, job=job, type_id=5, relative_path="out")
    foreign = [
        mine[1],
        StoredFileFactory.create(owner=alice, job=other, type_id=5, relative_path="out"),
        StoredFileFactory.create(owner=charlie),
    ]
    JobInput.objects.create(job=other, file=mine[1])
    client = with_key(key_of(cluster))
    sent = uploaded(client).json()["id"]
    assert uploaded(with_key(key_of(other.cluster)), "b.dat").status_code == 201
    listed = {file["id"] for file in client.get("/api/v2/files/?page_size=50").json()["results"]}
    assert listed == {mine[0].pk, output.pk, sent}
    assert b"".join(client.get(f"/api/v2/files/{sent}/contents/").streaming_content) == b"restart"  # type: ignore[attr-defined]
    for file in foreign:
        assert [answer_of(client, f"files/{file.pk}/{what}")[0] for what in ("", "contents/", "lines/")] == [
            404
        ] * 3
    assert client.delete(f"/api/v2/files/{sent}/").status_code == 403
    assert answer_of(client_of(alice), f"files/{sent}/") == (200, "")
    event = AuditEvent.objects.get(action="jobs:file:uploaded", object_id=sent)
    assert (event.actor, event.via) == (alice, "job")


def test_it_continues_its_own_uploads_only(cluster: Cluster, alice: User) -> None:
    headers: Mapping[str, str] = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "0",
        "Upload-Metadata": metadata(filename="empty.dat"),
    }
    client = with_key(key_of(cluster))
    path = client.post("/api/v2/uploads/", headers=headers)["Location"]
    theirs = client_of(alice).post("/api/v2/uploads/", headers={**headers, "Upload-Length": "5"})["Location"]
    file_id = client.get(path).json()["fileId"]
    assert StoredFile.objects.get(pk=file_id).sent_by_id == cluster.job_id
    assert client.get(f"/api/v2/files/{file_id}/").status_code == 200
    assert client.get(theirs).status_code == 404
    assert client.delete(theirs, headers={"Tus-Resumable": "1.0.0"}).status_code == 404
    assert Upload.objects.filter(owner=alice).count() == 2


@pytest.mark.parametrize("observed", OVER)
def test_it_is_good_only_while_the_command_may_run(alice: User, observed: Observed) -> None:
    over = cluster_of(alice, observed)[0]
    assert answer_of(with_key(key_of(over)), f"jobs/{over.job_id}/") == (401, "job_key_ended")


@pytest.mark.parametrize("observed", job_keys.COMMAND_RUNS)
def test_it_ends_with_the_job_also_where_the_cluster_is_kept(alice: User, observed: Observed) -> None:
    cluster = cluster_of(alice, observed)[0]
    client, path = with_key(key_of(cluster)), f"jobs/{cluster.job_id}/"
    assert answer_of(client, path) == (200, "")
    cluster.job.completed_at = timezone.now()
    cluster.job.save()
    assert answer_of(client, path) == (401, "job_key_ended")
    cluster.job.delete()
    assert answer_of(client, path) == (401, "job_key_ended")


def test_it_ends_with_the_persons_account(cluster: Cluster) -> None:
    User.objects.update(is_active=False)
    assert answer_of(with_key(key_of(cluster)), f"jobs/{cluster.job_id}/") == (401, "user_inactive")


def test_an_administrators_job_administers_nothing(cluster: Cluster) -> None:
    User.objects.update(is_superuser=True, is_staff=True)
    assert answer_of(with_key(key_of(cluster)), "rate-card/")[0] == 403
    owner, _ = job_keys.check_key(key_of(cluster))
    assert (owner.without_administration, owner.only_job) == (True, cluster.job_id)


def test_what_was_not_derived_here_is_invalid(cluster: Cluster, alice: User) -> None:
    key, other = key_of(cluster), cluster_of(alice, Observed.EXECUTING)[0]
    proof = hmac.new(b"guessed", f"job-key:{cluster.pk}".encode(), hashlib.sha256).hexdigest()
    signed = signing.Signer().sign(cluster.pk)
    for wrong in (
        key[:-1],
        key + "0",
        key.upper(),
        key.replace(cluster.pk, other.pk),
        f"hnj_{cluster.pk}_{proof}",
        "hnj_",
        f"hnj_{signed}",
        "hnj_" + "a" * 400,
    ):
        assert answer_of(with_key(wrong), f"jobs/{cluster.job_id}/") == (401, "invalid_token")


def test_it_lives_through_a_new_secret_of_the_portal(cluster: Cluster, settings: Settings) -> None:
    key, old = key_of(cluster), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [old]
    assert answer_of(with_key(key), f"jobs/{cluster.job_id}/") == (200, "")
    settings.SECRET_KEY_FALLBACKS = []
    assert answer_of(with_key(key), f"jobs/{cluster.job_id}/") == (401, "invalid_token")


@pytest.mark.parametrize("path", ["/ws/jobs/JOB/events/", "/ws/terminal-sessions/abc/"])
def test_no_websocket_opens(cluster: Cluster, path: str) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("reached")

    async def knock() -> Any:
        communicator: Any = ApplicationCommunicator  # without types of its own
        authorization = (b"authorization", f"Token {key_of(cluster)}".encode())
        scope = {
            "type": "websocket",
            "path": path.replace("JOB", cluster.job_id),
            "headers": [(b"host", b"127.0.0.1"), authorization],
            "client": ("192.0.2.7", 4711),
            "query_string": b"",
        }
        socket = communicator(WebsocketAuthentication(inner), scope)
        await socket.send_input({"type": "websocket.connect"})
        return [await socket.receive_output(5), await socket.receive_output(5)][1]

    closed = asyncio.run(knock())
    assert (closed["code"], closed["reason"]) == (4403, "scope_missing")


def test_every_step_has_it_unless_its_owner_gave_another(cluster: Cluster, settings: Settings) -> None:
    settings.HEADNODE_JOB_API_URL = "https://headnode.example.org/"
    given = variables(cluster)
    assert given == {
        "RESCALE_API_KEY": key_of(cluster),
        "RESCALE_API_BASE_URL": "https://headnode.example.org",
    }
    steps = job_steps.steps_of(cluster.job, {"A": "1"}, given)
    assert [step.env for step in steps] == [{"A": "1", **given}]
    for own in ({"RESCALE_API_KEY": "theirs"}, {"RESCALE_API_BASE_URL": "https://elsewhere.example.org"}):
        assert with_variables(own, given) == own


def test_a_line_that_prints_it_is_without_it_in_the_job_log(cluster: Cluster) -> None:
    line = f"RESCALE_API_KEY={key_of(cluster)}; twice {key_of(cluster)}"
    assert without_key(cluster, [line, "iteration 7"]) == [
        "RESCALE_API_KEY=[RESCALE_API_KEY]; twice [RESCALE_API_KEY]",
        "iteration 7",
    ]


def test_it_is_saved_nowhere(cluster: Cluster, alice: User) -> None:
    with_key(key_of(cluster)).get(f"/api/v2/jobs/{cluster.job_id}/")
    proof = key_of(cluster).rpartition("_")[2]
    rows = [*APIToken.objects.values(), *AuditEvent.objects.values(), *Cluster.objects.values()]
    assert proof not in str(rows)
    assert client_of(alice).get("/api/v2/users/me/tokens/").json()["count"] == 1
