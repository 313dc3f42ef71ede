"""One rule decides who may do what only administrators may, in every app."""

import ast

import pytest
from django.conf import settings

from accounts.audit.trail import SYSTEM, Actor
from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import check_administrator
from jobs.lifetime import orphans

pytestmark = pytest.mark.django_db
MESSAGE = "Only an administrator can do this."


def test_an_administrator_and_the_portal_itself_may(admin: User) -> None:
    check_administrator(Actor(admin), MESSAGE)
    check_administrator(SYSTEM, MESSAGE)


def test_others_are_refused_with_the_message(alice: User) -> None:
    with pytest.raises(Refused) as refused:
        check_administrator(Actor(alice), MESSAGE)

    assert (refused.value.reason, refused.value.status) == ("not_administrator", 403)
    assert refused.value.message == MESSAGE


def test_a_deactivated_administrator_sees_no_orphans(admin: User) -> None:
    admin.is_active = False

    with pytest.raises(Refused, match="administrator"):
        orphans.open_orphans(admin)


def test_there_is_one_definition_of_the_check() -> None:
    found = [
        path.relative_to(settings.BASE_DIR).as_posix()
        for app in ("accounts", "jobs", "portal", "sshgateway")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name in ("check_administrator", "is_administrator")
    ]
    assert found == ["accounts/users/administrators.py"] * 2
