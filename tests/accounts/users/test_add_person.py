"""Adding user accounts; without a sandbox there can be one only."""

import os
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.audit.trail import SYSTEM
from accounts.models import AuditEvent, SingleUserMode, User
from accounts.refusals import Refused
from accounts.signals import adding_another_user
from accounts.users import single_user, user_accounts

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def test_an_account_is_made_and_audited() -> None:
    user = user_accounts.add_user(SYSTEM, "alice", "alice@example.org", PASSWORD)
    assert user.check_password(PASSWORD)
    assert not user.is_superuser
    assert AuditEvent.objects.get(object_type="user").action == "accounts:user:added"
    assert PASSWORD not in str(AuditEvent.objects.values())


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("", PASSWORD, "name_invalid"),
        ("a b", PASSWORD, "name_invalid"),
        ("x" * 151, PASSWORD, "name_invalid"),
        ("bob", "short", "password_weak"),
        ("bob", "password123", "password_weak"),
        ("taken", PASSWORD, "name_taken"),
    ],
)
def test_refused(name: str, password: str, reason: str) -> None:
    user_accounts.add_user(SYSTEM, "taken", "", PASSWORD)
    with pytest.raises(Refused) as caught:
        user_accounts.add_user(SYSTEM, name, "", password)
    assert caught.value.reason == reason
    assert User.objects.count() == 1


def test_no_second_person_without_a_sandbox(settings: Settings) -> None:
    settings.HEADNODE_SINGLE_PERSON = True
    user_accounts.add_user(SYSTEM, "alice", "", PASSWORD)
    attempts: list[Callable[[], object]] = [
        lambda: user_accounts.add_user(SYSTEM, "bob", "", PASSWORD),
        lambda: User.objects.create_superuser("bob", "", PASSWORD),
        lambda: User.objects.create_user("bob", "", PASSWORD),
    ]
    for attempt in attempts:
        with pytest.raises(Refused, match="no sandbox") as caught:
            attempt()
        assert caught.value.reason == "single_person"
    assert User.objects.count() == 1
    assert not User.too_many_here()


def test_what_an_app_above_remembered_holds_in_every_process() -> None:
    user_accounts.add_user(SYSTEM, "alice", "", PASSWORD)
    for _ in range(2):
        single_user.remember_single_user(True)
    with pytest.raises(Refused, match="no sandbox"):
        user_accounts.add_user(SYSTEM, "bob", "", PASSWORD)
    single_user.remember_single_user(False)
    user_accounts.add_user(SYSTEM, "bob", "", PASSWORD)
    assert not User.too_many_here()
    single_user.remember_single_user(True)
    assert User.too_many_here()
    actions = AuditEvent.objects.filter(action__contains="single_user").values_list("action", flat=True)
    assert sorted(actions) == ["accounts:single_user:off", *["accounts:single_user:on"] * 2]


def test_whoever_knows_is_asked_before_another_user_is_added() -> None:
    def no_sandbox_any_more(**kwargs: object) -> None:
        single_user.remember_single_user(True)

    user_accounts.add_user(SYSTEM, "alice", "", PASSWORD)
    adding_another_user.connect(no_sandbox_any_more)
    try:
        with pytest.raises(Refused, match="no sandbox"):
            user_accounts.add_user(SYSTEM, "bob", "", PASSWORD)
    finally:
        adding_another_user.disconnect(no_sandbox_any_more)
    assert User.objects.count() == 1
    assert SingleUserMode.objects.exists(), "what was learned is kept although the user was refused"


def test_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    call_command("add_person", "alice")
    said = capsys.readouterr().out
    password = said.split("password ")[1].split()[0]
    assert User.objects.get(username="alice").check_password(password)
    monkeypatch.setitem(os.environ, "HEADNODE_NEW_PASSWORD", PASSWORD)
    call_command("add_person", "bob", administrator=True)
    assert PASSWORD not in capsys.readouterr().out
    assert User.objects.get(username="bob").is_superuser
    with pytest.raises(CommandError, match="already a user named bob"):
        call_command("add_person", "bob")
