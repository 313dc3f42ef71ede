"""The administrators' pages of the catalogue."""

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Analysis, CoreType

pytestmark = pytest.mark.django_db
PAGE = "/administration/catalogue/"


@pytest.fixture
def page(admin: User, client: Client) -> Client:
    client.force_login(admin)
    return client


def test_a_core_type_is_added_changed_and_retired(page: Client) -> None:
    values = {
        "code": "basalt",
        "name": "Basalt",
        "cores": "1, 2,4",
        "memory_mb_per_core": "4000",
        "price": "0.05",
        "ssh_port": "22",
        "storage_gb": "0",
        "display_order": "3",
        "is_active": "on",
    }
    assert page.post(f"{PAGE}core-types/new/", values).status_code == 302
    row = CoreType.objects.get(code="basalt")
    assert (row.cores, str(row.price_per_core_hour)) == ([1, 2, 4], "0.0500")
    assert "1, 2, 4" in page.get(f"{PAGE}core-types/basalt/").content.decode()

    del values["is_active"]
    assert page.post(f"{PAGE}core-types/basalt/", {**values, "name": "Dark"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.is_active) == ("Dark", False)
    assert "Retired" in page.get(PAGE).content.decode()


def test_a_mistake_is_named_at_its_field_and_what_was_typed_stays(page: Client) -> None:
    answer = page.post(f"{PAGE}core-types/new/", {"code": "basalt", "name": "Basalt", "cores": "two"})
    text = answer.content.decode()

    assert answer.status_code == 400
    assert 'value="two"' in text
    assert 'id="core-type-cores-error"' in text
    assert not CoreType.objects.filter(code="basalt").exists()


def test_an_analysis_is_added_and_its_versions_are_changed(page: Client) -> None:
    values = {
        "code": "solver",
        "name": "Solver",
        "display_order": "0",
        "is_active": "on",
        "version_code": ["1.0", ""],
        "version_name": ["", ""],
        "core_types": ["emerald, onyx", ""],
        "script": ["export A=1\r\n", ""],
    }
    assert page.post(f"{PAGE}software/new/", values).status_code == 302
    [version] = Analysis.objects.get(code="solver").versions.all()
    assert (version.name, version.allowed_core_types) == ("1.0", ["emerald", "onyx"])
    assert version.environment_script == "export A=1\n"
    assert "export A=1" in page.get(f"{PAGE}software/solver/").content.decode()

    changed = {**values, "version_code": ["", "2.0"]}
    assert page.post(f"{PAGE}software/solver/", changed).status_code == 302
    assert [v.code for v in Analysis.objects.get(code="solver").versions.filter(is_active=True)] == ["2.0"]
    wrong = page.post(f"{PAGE}software/solver/", {**values, "core_types": ["nosuch", ""]})
    assert wrong.status_code == 400
    assert 'id="versions-error"' in wrong.content.decode()


def test_the_form_of_a_new_job_offers_the_software(page: Client, admin: User) -> None:
    assert 'value="openfoam 12"' in page.get("/jobs/new/").content.decode()
    values = {
        "name": "x",
        "analysis": "openfoam 11",
        "command": "blockMesh",
        "core_type": "emerald",
        "cores_per_slot": "1",
        "slots": "1",
    }
    page.post("/jobs/new/", values)
    job = admin.jobs.get()
    assert (job.analysis_code, job.analysis_version) == ("openfoam", "11")


@pytest.mark.parametrize(
    "path", ["", "core-types/new/", "core-types/emerald/", "software/new/", "software/custom/"]
)
def test_the_pages_are_hidden_from_others(alice: User, client: Client, path: str) -> None:
    client.force_login(alice)

    assert client.get(PAGE + path).status_code == 404
