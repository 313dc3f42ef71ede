"""The page of projects: a person's own, and all of them as administrators see and change them."""

import pytest
from django.test import Client

from accounts.audit.trail import Actor
from accounts.models import Project, User
from accounts.services import projects
from accounts.views.projects import MAX_NAMES

pytestmark = pytest.mark.django_db
PAGE = "/projects/"


@pytest.fixture
def page(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def shown(client: Client) -> str:
    return " ".join(client.get(PAGE).content.decode().split())


def test_without_projects_the_page_says_so(page: Client) -> None:
    assert "No projects yet" in shown(page)


def test_people_are_shown_by_name(page: Client, admin: User, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="Alice", last_name="Archer")
    projects.create_project(Actor(admin), "Wing", [alice, bob])
    projects.create_project(Actor(admin), "Rotor")
    text = shown(page)
    assert "2 people" in text and "<span>Alice Archer, bob</span>" in text
    assert "Nobody works on it yet" in text
    assert (
        "<details open" not in text and "<details class" in text
    )  # the forms are closed until they are asked for
    assert 'value="alice, bob"' in text


def test_many_people_are_counted(page: Client, admin: User) -> None:
    people = [User.objects.create(username=f"user{number:02}") for number in range(MAX_NAMES + 3)]
    projects.create_project(Actor(admin), "Wing", people)
    assert "user07 and 3 more" in shown(page)
    assert f"{MAX_NAMES + 3} people" in shown(page)


def test_a_refused_change_comes_back_in_its_row(page: Client, admin: User, alice: User) -> None:
    wing = projects.create_project(Actor(admin), "Wing", [alice])
    answer = page.post(f"{PAGE}{wing.pk}/change/", {"name": "Wing 2", "members": "alice, nobody"})
    text = " ".join(answer.content.decode().split())
    assert answer.status_code == 400
    assert '<details class="row-more" open>' in text and 'value="alice, nobody"' in text
    assert "There is no person with the user name nobody" in text and 'value="Wing 2"' in text
    assert Project.objects.get(pk=wing.pk).name == "Wing"


def test_a_project_is_closed_and_opened_again(page: Client, admin: User) -> None:
    wing = projects.create_project(Actor(admin), "Wing")
    page.post(f"{PAGE}{wing.pk}/change/", {"close": "1"})
    assert "Open again" in shown(page)
    page.post(f"{PAGE}{wing.pk}/change/", {"close": "0"})
    assert "Open again" not in shown(page)


def test_the_switch_is_saved_when_it_is_switched(page: Client) -> None:
    """htmx sends it and gets the section alone; a browser without scripts gets the page again."""
    switched = page.post(f"{PAGE}policy/", {"required": "on"}, headers={"HX-Request": "true"})
    text = switched.content.decode()
    assert "every job needs a project" in text and "checked" in text and "<html" not in text
    assert projects.is_project_required()
    assert page.post(f"{PAGE}policy/", {}).status_code == 302
    assert not projects.is_project_required()
    assert 'hx-trigger="change, submit"' in shown(page)


def test_others_see_their_own_only(client: Client, admin: User, alice: User, charlie: User) -> None:
    projects.create_project(Actor(admin), "Wing", [alice])
    client.force_login(alice)
    assert "Wing" in shown(client) and "All projects" not in shown(client)
    client.force_login(charlie)
    assert "Wing" not in shown(client) and "You work on no project yet" in shown(client)
