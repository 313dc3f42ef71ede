"""Signing in and out on the pages."""

from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"


def test_a_wrong_password_is_said_and_the_name_stays(client: Client, alice: User) -> None:
    html = client.post(LOGIN, {"login": "alice", "password": "not it"}).content.decode()
    assert 'role="alert"' in html and 'value="alice"' in html
    assert "not it" not in html


def test_one_signs_in_by_name_or_mail_and_lands_where_one_wanted_to_go(client: Client, alice: User) -> None:
    for name in ("alice", "alice@example.org"):
        typed = {"login": name, "password": PASSWORD, "next": "/settings/job/"}
        answer = client.post(f"{LOGIN}?next=/settings/job/", typed)
        assert answer["Location"] == "/settings/job/"
        client.post("/accounts/logout/")


def test_there_is_no_way_to_sign_up(client: Client, db: None) -> None:
    assert "signup" not in client.get(LOGIN).content.decode()
    html = client.get("/accounts/signup/").content.decode()
    assert "No sign-up here" in html


def test_pages_ask_strangers_to_sign_in(client: Client, db: None) -> None:
    for path in ("/", "/jobs/new/", "/settings/job/", "/settings/tokens/", "/jobs/Ab12cd/"):
        assert client.get(path)["Location"] == f"{LOGIN}?next={path}"


def test_no_page_has_inline_scripts_or_styles(client: Client, alice: User) -> None:
    paths = [
        "/",
        "/jobs/new/",
        "/settings/job/",
        "/settings/tokens/",
        "/accounts/password/change/",
        "/nowhere/",
    ]
    pages = [client.get(LOGIN).content.decode()]
    client.force_login(alice)
    pages += [client.get(path).content.decode() for path in paths]
    for html in pages:
        assert "<style" not in html and " style=" not in html and " onclick=" not in html
        assert html.count("<script") == html.count("<script src=") + html.count('type="application/json"')
        assert "//cdn" not in html and 'src="http' not in html and 'href="http' not in html
