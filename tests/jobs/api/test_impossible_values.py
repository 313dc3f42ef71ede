"""What no database can hold, and what no program would send, is refused with a sentence at every door."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.audit.trail import Actor
from accounts.models import User
from jobs.catalogue import core_types
from jobs.costs import rate_card
from jobs.models import CoreType
from tests.api import client_of, send
from tests.jobs.making import saved_job

pytestmark = pytest.mark.django_db
JOBS = "/api/v2/jobs/"
HARDWARE: dict[str, Any] = {"coreType": "emerald", "coresPerSlot": 1}
FORM = {
    "name": "x",
    "analysis": "user_included 0",
    "command": "true",
    "core_type": "emerald",
    "cores_per_slot": "1",
    "slots": "1",
    "walltime": "1",
}
OF_JOB: dict[str, Any] = {
    "archiveFilters": ["\ud800"],
    "userTags": ["\ud800"],
    "projectId": "\0",
    "billingPriorityValue": [1],
    "cidrRule": "10.0.0.0/8\0",
}
OF_ANALYSIS: dict[str, Any] = {
    "onDemandLicenseSeller": {"a": "\ud800"},
    "userDefinedLicenseSettings": {"a": "\0"},
    "analysis": {"code": "user_included", "version": "\0"},
    "hardware": {**HARDWARE, "coreType": "\0"},
    "envVars": {"A": "\0"},
}


def _answer(user: User, method: str, path: str, body: Any) -> Any:
    client = client_of(user)
    client.raise_request_exception = False
    text = body if isinstance(body, str) else json.dumps(body)
    return send(client, method, path, text, "application/json")


def _job_body(of_job: dict[str, Any], of_analysis: dict[str, Any]) -> dict[str, Any]:
    analysis = {"analysis": {"code": "user_included"}, "command": "true", "hardware": HARDWARE, **of_analysis}
    return {"name": "x", **of_job, "jobanalyses": [analysis]}


@pytest.mark.parametrize("key", OF_JOB)
def test_key_of_a_job(alice: User, key: str) -> None:
    answer = _answer(alice, "POST", JOBS, _job_body({key: OF_JOB[key]}, {}))
    assert (answer.status_code, list(answer.json())) == (400, [key])


@pytest.mark.parametrize("key", OF_ANALYSIS)
def test_key_of_an_analysis(alice: User, key: str) -> None:
    answer = _answer(alice, "POST", JOBS, _job_body({}, {key: OF_ANALYSIS[key]}))
    assert (answer.status_code, list(answer.json())) == (400, ["jobanalyses"])


def test_an_infinite_number_in_what_is_kept(alice: User) -> None:
    body = json.dumps(_job_body({}, {"onDemandLicenseSeller": {"a": 7777}}))
    assert _answer(alice, "POST", JOBS, body.replace("7777", "1e400")).status_code == 400


@pytest.mark.parametrize("analysis", [{"inputFiles": [{}]}, {"preProcessScript": {"name": "x"}}])
def test_a_patch_names_its_files(alice: User, analysis: dict[str, Any]) -> None:
    answer = _answer(alice, "PATCH", f"{JOBS}{saved_job(alice).pk}/", {"jobanalyses": [analysis]})
    assert answer.status_code == 400
    assert "This field is required." in answer.content.decode()


def test_a_patch_of_software_names_its_versions(admin: User) -> None:
    body = {"versions": [{"version": "1"}]}
    answer = _answer(admin, "PATCH", "/api/v2/analyses/user_included/", body)
    assert answer.status_code == 400
    assert "versionCode" in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("analysis", "user_included \0"),
        ("analysis", "user_included " + "v" * 100),
        ("analysis", "\0 1"),
        ("core_type", "\0"),
        ("project", "\0"),
        ("project", "p" * 60),
    ],
)
def test_field_of_the_form_of_a_job(alice: User, field: str, text: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    assert client.post("/jobs/new/", {**FORM, field: text}).status_code == 400


@pytest.mark.parametrize("page", ["core-types", "software"])
def test_path_of_the_catalogue(admin: User, page: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    assert client.get(f"/administration/catalogue/{page}/%00/").status_code == 404


@pytest.mark.parametrize("query", ["currency=%00", "currency=usd", "person=%00", "from=%00", "groupBy=%00"])
@pytest.mark.parametrize("path", ["/api/v2/users/me/usage/", "/usage/", "/usage.csv"])
def test_query_of_a_report(admin: User, path: str, query: str) -> None:
    client = client_of(admin) if path.startswith("/api/") else Client()
    client.raise_request_exception = False
    if isinstance(client, Client):
        client.force_login(admin)
    assert client.get(f"{path}?{query}").status_code == 400


def test_the_dearest_core_type_can_be_retired(admin: User) -> None:
    rate_card.change_rate_card(Actor(admin), prices={"emerald": Decimal("9999.9999")})
    core_types.retire_core_type(Actor(admin), CoreType.objects.get(pk="emerald"))
    assert not CoreType.objects.get(pk="emerald").is_active


def test_a_price_is_never_rounded_in_silence(admin: User) -> None:
    client = Client()
    client.force_login(admin)
    row = CoreType.objects.get(pk="emerald")
    form = {
        "name": row.name,
        "cores": "1",
        "memory_mb_per_core": "1000",
        "price": "0.12345",
        "ssh_port": "22",
    }
    answer = client.post("/administration/catalogue/core-types/emerald/", form)
    assert answer.status_code == 400
    assert "at most four decimal places" in answer.content.decode()
