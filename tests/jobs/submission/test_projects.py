"""Projects: members, a default, the switch, and which project a job may belong to."""

from typing import Any

import pytest
from django.test import Client

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, Project, User
from accounts.refusals import Refused
from accounts.services import projects
from jobs.models import Charge, Job
from jobs.submission import edits, job_actions
from tests.api import client_of
from tests.jobs.costs.charges import charge
from tests.jobs.making import actor, draft, saved_job

pytestmark = pytest.mark.django_db
BODY = {
    "name": "cavity",
    "jobanalyses": [
        {
            "analysis": {"code": "user_included", "version": "0"},
            "command": "hostname",
            "hardware": {"coreType": "emerald", "coresPerSlot": 1},
        }
    ],
}


@pytest.fixture
def wing(admin: User, alice: User, bob: User) -> Project:
    """A project that alice and bob work on."""
    return projects.create_project(Actor(admin), "Wing", [alice, bob])


def test_without_projects_any_text_is_a_label(alice: User) -> None:
    """As programs written for Rescale send it."""
    assert saved_job(alice, project_id="whatever").project_id == "whatever"


def test_people_see_their_own_projects_in_rescales_form(wing: Project, alice: User, charlie: User) -> None:
    page = client_of(alice).get("/api/v2/users/me/projects/").json()
    assert page == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [{"id": wing.pk, "name": "Wing", "isDefault": False}],
    }
    assert client_of(charlie).get("/api/v2/users/me/projects/").json()["results"] == []
    company = client_of(alice).get("/api/v2/users/me/").json()["company"]
    assert company["projects"] == [{"id": wing.pk, "name": "Wing"}]


def test_a_job_belongs_to_a_project_of_its_owner_only(wing: Project, alice: User, charlie: User) -> None:
    answer = client_of(alice).post("/api/v2/jobs/", {**BODY, "projectId": wing.pk}, format="json")
    assert (answer.status_code, answer.json()["projectId"]) == (201, wing.pk)
    answer = client_of(charlie).post("/api/v2/jobs/", {**BODY, "projectId": wing.pk}, format="json")
    assert answer.status_code == 400
    assert "no project" in answer.json()["projectId"][0]
    job = saved_job(charlie)
    answer = client_of(charlie).patch(f"/api/v2/jobs/{job.pk}/", {"projectId": wing.pk}, format="json")
    assert answer.status_code == 400
    assert "projectId" in answer.json()


def test_patching_the_project_answers_it(wing: Project, alice: User) -> None:
    job = saved_job(alice)
    answer = client_of(alice).patch(f"/api/v2/jobs/{job.pk}/", {"projectId": wing.pk}, format="json")
    assert answer.json()["projectId"] == wing.pk
    answer = client_of(alice).patch(f"/api/v2/jobs/{job.pk}/", {"projectId": None}, format="json")
    assert answer.json()["projectId"] is None


def test_the_default_is_taken_for_jobs_that_name_none(wing: Project, alice: User, charlie: User) -> None:
    projects.set_default_project(Actor(alice), alice, wing.pk)
    assert saved_job(alice).project_id == wing.pk
    assert saved_job(alice, project_id="").project_id is None
    with pytest.raises(Refused):
        projects.set_default_project(Actor(charlie), charlie, wing.pk)
    projects.set_default_project(Actor(alice), alice, None)
    assert saved_job(alice).project_id is None


def test_every_job_needs_one_if_the_switch_is_on(wing: Project, alice: User, admin: User) -> None:
    projects.set_project_required(Actor(admin), True)
    job = saved_job(alice)
    answer = client_of(alice).post(f"/api/v2/jobs/{job.pk}/submit/")
    assert (answer.status_code, answer.json()["reason"]) == (400, "project_required")
    edits.edit_job(actor(alice), job, draft(project_id=wing.pk))
    assert client_of(alice).post(f"/api/v2/jobs/{job.pk}/submit/").status_code == 200


def test_a_closed_project_and_one_that_a_person_left_take_no_jobs(
    wing: Project, alice: User, bob: User, admin: User
) -> None:
    job = saved_job(alice, project_id=wing.pk)
    projects.change_project(Actor(admin), wing, members=[bob])
    with pytest.raises(Refused) as refused:
        job_actions.submit_job(actor(alice), job)
    assert refused.value.reason == "project_unknown"
    projects.change_project(Actor(admin), wing, is_closed=True)
    assert not projects.projects_of(bob).exists()


def test_the_job_page_says_its_project(wing: Project, alice: User, client: Client) -> None:
    client.force_login(alice)
    job = saved_job(alice, project_id=wing.pk)
    assert "<dt>Project</dt><dd>Wing</dd>" in client.get(f"/jobs/{job.pk}/").content.decode()
    Job.objects.filter(pk=job.pk).update(project_id="a label")
    assert "<dt>Project</dt><dd>a label</dd>" in client.get(f"/jobs/{job.pk}/").content.decode()
    Job.objects.filter(pk=job.pk).update(project_id=None)
    assert "<dt>Project</dt>" not in client.get(f"/jobs/{job.pk}/").content.decode()


def test_what_a_job_has_cost_moves_with_it(wing: Project, alice: User) -> None:
    job = saved_job(alice)
    charge(alice, job_id=job.pk)
    edits.edit_job(actor(alice), job, draft(project_id=wing.pk))
    assert Charge.objects.get().project_id == wing.pk


def test_projects_are_made_by_administrators(wing: Project, alice: User, admin: User) -> None:
    for path, body in (("projects/", {"name": "x"}), ("project-policy/", {"required": True})):
        method = "post" if path == "projects/" else "put"
        answer = getattr(client_of(alice), method)(f"/api/v2/{path}", body, format="json")
        assert (answer.status_code, answer.json()["reason"]) == (403, "not_administrator")
    client = client_of(admin)
    made = client.post("/api/v2/projects/", {"name": "Nose", "members": ["alice"]}, format="json")
    assert (made.status_code, made.json()["members"]) == (201, ["alice"])
    path = f"/api/v2/projects/{made.json()['id']}/"
    changed = client.patch(path, {"members": ["alice", "admin"], "isClosed": True}, format="json")
    assert (changed.json()["members"], changed.json()["isClosed"]) == (["admin", "alice"], True)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"name": "Wing"}, "name"),
        ({"name": " "}, "name"),
        ({"name": "N", "members": ["nobody"]}, "members"),
    )
    for form, field in wrong:
        answer = client.post("/api/v2/projects/", form, format="json")
        assert answer.status_code == 400
        assert field in answer.json()
    assert client.put("/api/v2/project-policy/", {"required": True}, format="json").json() == {
        "required": True
    }
    assert AuditEvent.objects.filter(action__startswith="accounts:project").count() == 4
