"""What cannot be: names and ids of projects that no database can hold, too many people, two choices at one moment."""

import pytest
from django.db import connection
from django.test import Client

from accounts.audit.trail import Actor
from accounts.models import Project, ProjectMembership, User
from accounts.services import projects
from tests.api import client_of
from tests.interleaving import Rival, before_query

PROJECTS = "/api/v2/projects/"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/projects/default/", {"project": "\0"}, 302),
        ("/projects/default/", {"project": "x" * 100}, 302),
        ("/projects/add/", {"name": "a", "members": "\0"}, 400),
        ("/projects/%00/change/", {"name": "x"}, 404),
    ],
)
def test_texts_that_no_database_can_hold(admin: User, path: str, form: dict[str, str], status: int) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    assert client.post(path, form).status_code == status


@pytest.mark.django_db
def test_a_project_has_a_limit_of_people(admin: User) -> None:
    body = {"name": "Wing", "members": [f"u{number}" for number in range(projects.MAX_PEOPLE + 1)]}
    answer = client_of(admin).post(PROJECTS, body, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (400, "too_many_people")


@pytest.mark.django_db
def test_the_list_asks_no_query_for_each_project(
    admin: User, alice: User, django_assert_max_num_queries: object
) -> None:
    for number in range(20):
        projects.create_project(Actor(admin), f"Wing {number}", [alice])
    client = client_of(admin)
    with django_assert_max_num_queries(12):  # type: ignore[operator]  # a fixture of pytest-django
        found = client.get(PROJECTS, {"page_size": "50"}).json()["results"]
    assert [row["members"] for row in found] == [["alice"]] * 20


def _sets_the_default(sql: str) -> bool:
    return sql.startswith("UPDATE") and "membership" in sql and '"id" = ' in sql


@pytest.mark.django_db(transaction=True)
def test_two_defaults_chosen_at_one_moment(admin: User, alice: User) -> None:
    """One waits for the other; neither fails, and one default is left."""
    if connection.vendor == "sqlite":
        pytest.skip("on SQLite one transaction excludes the other")
    made = [projects.create_project(Actor(admin), name, [alice]) for name in ("Wing", "Tail", "Nose")]
    projects.set_default_project(Actor(alice), alice, made[0].pk)
    rival = Rival(lambda: projects.set_default_project(Actor(alice), alice, made[1].pk))

    with before_query(_sets_the_default, rival.start) as happened:
        projects.set_default_project(Actor(alice), alice, made[2].pk)
    rival.finish()

    assert happened
    assert ProjectMembership.objects.filter(person=alice, is_default=True).count() == 1
    assert Project.objects.count() == 3
