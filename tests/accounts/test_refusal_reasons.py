"""Reasons of refusals in accounts: members of enums, each used, each spelled in one way."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum

import pytest
from django.conf import settings

from accounts.cidr import RuleRefusalReason
from accounts.keys.key_refusals import KeyRefusalReason
from accounts.refusal_reasons import RefusalReason
from accounts.users.token_authentication import TokenRefusalReason

ENUMS = (KeyRefusalReason, RuleRefusalReason, TokenRefusalReason, RefusalReason)
MEMBERS: list[StrEnum] = [member for enum in ENUMS for member in enum]
# The exceptions of accounts whose first argument is a reason.
EXCEPTIONS = ("Refused", "KeyRefused", "RuleRefused", "TokenRefused")


def _trees(*apps: str) -> Iterator[tuple[str, ast.Module]]:
    for app in apps or ("accounts",):
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def test_no_two_reasons_are_spelled_alike() -> None:
    assert len({member.value for member in MEMBERS}) == len(MEMBERS)
    assert all(re.fullmatch("[a-z0-9_]+", member.value) for member in MEMBERS)


@pytest.mark.parametrize("member", [*KeyRefusalReason, *TokenRefusalReason], ids=str)
def test_a_reason_with_one_message_has_a_sentence(member: KeyRefusalReason | TokenRefusalReason) -> None:
    assert member.message[0].isupper()
    assert member.message.count(" ") >= 1


def test_every_reason_is_used() -> None:
    used = {
        (node.value.id, node.attr)
        # Apps above have tokens of their own.
        for _, tree in _trees("accounts", "jobs")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert [member for member in MEMBERS if (type(member).__name__, member.name) not in used] == []


def test_no_reason_is_a_bare_string() -> None:
    values = {member.value for member in MEMBERS}
    bare = []
    for name, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXCEPTIONS:
                words = node.args[:1]
            elif isinstance(node, ast.Compare):
                words = [word for word in [node.left, *node.comparators] if _text(word) in values]
            else:
                continue
            bare += [f"{name}:{word.lineno} {_text(word)}" for word in words if _text(word)]
    assert bare == []


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
