"""The catalogue over the REST API: everybody reads it, administrators add, change and retire what is in it."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from jobs.models import Analysis, CoreType, Job, Price
from tests.api import client_of

pytestmark = pytest.mark.django_db
CORE_TYPES, ANALYSES, JOBS = "/api/v2/coretypes/", "/api/v2/analyses/", "/api/v2/jobs/"
CORE_TYPE: dict[str, Any] = {
    "code": "basalt",
    "name": "Basalt",
    "cores": [2, 4],
    "memory": 8000,
    "price": "0.25",
    "sshPort": 2222,
}
ANALYSIS: dict[str, Any] = {
    "code": "solver",
    "name": "Solver",
    "versions": [
        {"versionCode": "2.0", "version": "Two", "environmentScript": "export SOLVER=2\n"},
        {"versionCode": "1.0", "allowedCoreTypes": ["emerald"]},
    ],
}


def _rows(user: User, path: str, **query: str) -> dict[str, dict[str, Any]]:
    found = client_of(user).get(path, {"page_size": "1000", **query}).json()["results"]
    return {row["code"]: row for row in found}


def _job(user: User, code: str, version: str | None = None, core_type: str = "emerald") -> Any:
    analysis = {"code": code} if version is None else {"code": code, "version": version}
    hardware = {"coreType": core_type, "coresPerSlot": 1}
    body = {
        "name": "x",
        "jobanalyses": [{"analysis": analysis, "command": "true", "hardware": hardware}],
    }
    return client_of(user).post(JOBS, body, format="json")


def test_what_existing_programs_name_is_shipped(alice: User) -> None:
    core_types, analyses = _rows(alice, CORE_TYPES), _rows(alice, ANALYSES)

    for code in ("emerald", "emerald_max", "granite", "onyx", "hpc-3", "standard-plus"):
        assert core_types[code]["isActive"]
        assert 1 in core_types[code]["cores"]
    for code in ("user_included", "user_included_apptainer_container", "custom", "openfoam", "openfoam_plus"):
        [first, *_] = analyses[code]["versions"]
        assert _job(alice, code, first["versionCode"]).status_code == 201
        assert first["allowedCoreTypes"] == list(core_types)


def test_an_administrator_adds_a_core_type_and_a_job_uses_it(admin: User, alice: User) -> None:
    answer = client_of(admin).post(CORE_TYPES, CORE_TYPE, format="json")
    assert answer.status_code == 201
    assert answer.json()["price"] == "0.25"

    assert _rows(alice, CORE_TYPES)["basalt"]["cores"] == [2, 4]
    body = {"coreType": "basalt", "coresPerSlot": 4}
    whole = {
        "name": "x",
        "jobanalyses": [{"analysis": {"code": "custom"}, "command": "true", "hardware": body}],
    }
    assert client_of(alice).post(JOBS, whole, format="json").status_code == 201
    assert AuditEvent.objects.get(action="jobs:core_type:added").after["price_per_core_hour"] == "0.2500"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "with space"),
        ("code", "EMERALD"),
        ("code", "emerald"),
        ("name", "\t"),
        ("cores", []),
        ("cores", [4, 2]),
        ("cores", [0]),
        ("memory", 0),
        ("price", "-1"),
        ("price", "NaN"),
        ("sshPort", 70000),
    ],
)
def test_a_wrong_core_type_is_refused_at_its_field(admin: User, field: str, value: Any) -> None:
    answer = client_of(admin).post(CORE_TYPES, {**CORE_TYPE, field: value}, format="json")

    assert answer.status_code == 400
    assert isinstance(answer.json()[field][0], str)
    assert not CoreType.objects.filter(code="basalt").exists()


def test_a_retired_core_type_is_offered_no_more_and_can_come_back(admin: User, alice: User) -> None:
    client = client_of(admin)
    assert client.delete(f"{CORE_TYPES}quartz/").status_code == 204
    assert client.delete(f"{CORE_TYPES}quartz/").status_code == 204
    assert AuditEvent.objects.filter(action="jobs:core_type:changed").count() == 1
    assert _job(alice, "user_included", "0", "quartz").status_code == 400
    assert "quartz" not in _rows(alice, CORE_TYPES, isActive="true")
    assert client_of(alice).get(f"{CORE_TYPES}quartz/").json()["isActive"] is False

    assert client.patch(f"{CORE_TYPES}quartz/", {"isActive": True}, format="json").status_code == 200
    assert _job(alice, "user_included", "0", "quartz").status_code == 201


def test_a_changed_price_is_one_of_the_rate_card(admin: User, alice: User) -> None:
    answer = client_of(admin).patch(f"{CORE_TYPES}emerald/", {"price": "0.07"}, format="json")

    assert answer.json()["price"] == "0.07"
    changed = AuditEvent.objects.get(action="jobs:core_type:changed")
    assert (changed.before["price_per_core_hour"], changed.after["price_per_core_hour"]) == (
        "0.0500",
        "0.0700",
    )
    assert Price.objects.filter(core_type_id="emerald").latest("id").per_core_hour == Decimal("0.07")
    assert Decimal(client_of(admin).get("/api/v2/rate-card/").json()["prices"]["emerald"]) == Decimal("0.07")


def test_an_administrator_adds_an_analysis_with_versions(admin: User, alice: User) -> None:
    assert client_of(admin).post(ANALYSES, ANALYSIS, format="json").status_code == 201

    [two, one] = _rows(alice, ANALYSES)["solver"]["versions"]
    assert (two["version"], two["versionCode"], two["environmentScript"]) == (
        "Two",
        "2.0",
        "export SOLVER=2\n",
    )
    assert one["allowedCoreTypes"] == ["emerald"]
    named = [_job(alice, "solver", version).json() for version in (None, "Two", "2.0")]
    assert [job["jobanalyses"][0]["analysis"]["version"] for job in named] == ["2.0"] * 3
    assert named[0]["jobanalyses"][0]["analysis"]["name"] == "Solver"
    [first, *_] = client_of(alice).get(JOBS).json()["results"]
    assert first["analysisNames"] == ["Solver"]


def test_what_is_not_in_the_catalogue_is_refused_with_the_choices(admin: User, alice: User) -> None:
    client_of(admin).post(ANALYSES, ANALYSIS, format="json")
    software = _job(alice, "fluent")
    version = _job(alice, "solver", "3.0")
    hardware = _job(alice, "solver", "1.0", "onyx")

    assert "user_included" in software.json()["jobanalyses"][0]["analysis"]["code"][0]
    assert "2.0, 1.0" in version.json()["jobanalyses"][0]["analysis"]["version"][0]
    assert "emerald" in hardware.json()["jobanalyses"][0]["hardware"]["coreType"][0]
    assert {answer.status_code for answer in (software, version, hardware)} == {400}
    assert not Job.objects.exists()


def test_the_version_of_ones_own_software_is_ones_own_to_name(alice: User) -> None:
    job = _job(alice, "user_included", "my build 7").json()

    assert job["jobanalyses"][0]["analysis"]["version"] == "my build 7"


def test_versions_that_are_left_out_are_retired_and_jobs_keep_them(admin: User, alice: User) -> None:
    client_of(admin).post(ANALYSES, ANALYSIS, format="json")
    old = _job(alice, "solver", "1.0").json()
    change = {"versions": [{"versionCode": "3.0"}]}
    assert client_of(admin).patch(f"{ANALYSES}solver/", change, format="json").status_code == 200

    assert _job(alice, "solver", "1.0").status_code == 400
    kept = client_of(alice).get(f"{JOBS}{old['id']}/").json()["jobanalyses"][0]["analysis"]
    assert (kept["version"], kept["name"]) == ("1.0", "Solver")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "a/b"),
        ("code", "custom"),
        ("name", " \t"),
        ("versions", []),
        ("versions", [{"versionCode": "1"}, {"versionCode": "1"}]),
        ("versions", [{"versionCode": "1", "allowedCoreTypes": ["nosuch"]}]),
        ("versions", [{"versionCode": "1", "environmentScript": "a\0b"}]),
    ],
)
def test_a_wrong_analysis_is_refused_at_its_field(admin: User, field: str, value: Any) -> None:
    answer = client_of(admin).post(ANALYSES, {**ANALYSIS, field: value}, format="json")

    assert answer.status_code == 400
    assert field in answer.json()
    assert not Analysis.objects.filter(code="solver").exists()


@pytest.mark.parametrize("path", [CORE_TYPES, ANALYSES])
def test_only_administrators_write(alice: User, path: str) -> None:
    client = client_of(alice)
    code = "emerald" if path == CORE_TYPES else "custom"
    answers = [
        client.post(path, {}, format="json"),
        client.patch(f"{path}{code}/", {"isActive": False}, format="json"),
        client.delete(f"{path}{code}/"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert {answer.json()["reason"] for answer in answers} == {"not_administrator"}
    assert client.get(f"{path}{code}/").json()["isActive"] is True
