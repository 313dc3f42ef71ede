"""Audit actions: every one is a member of its app's enum, has a title, and is recorded somewhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.audit import actions, labels
from accounts.audit.actions import AccountsAuditAction, AuditAction
from accounts.models import AuditEvent
from jobs.events.audit_actions import JobsAuditAction
from sshgateway.audit_actions import GatewayAuditAction

ENUMS: dict[str, type[AuditAction]] = {
    "accounts": AccountsAuditAction,
    "jobs": JobsAuditAction,
    "sshgateway": GatewayAuditAction,
}
MEMBERS = [member for enum in ENUMS.values() for member in enum]
SHAPE = re.compile(r"(accounts|jobs|sshgateway):[a-z_]+:[a-z_]+")
# Also matches the start of an action in an f-string.
BEGINNING = re.compile(r"(accounts|jobs|sshgateway):[a-z_]+:")
LONGEST = AuditEvent._meta.get_field("action").max_length


def test_the_apps_register_their_actions() -> None:
    assert set(actions.registered()) == set(MEMBERS)


@pytest.mark.parametrize("member", MEMBERS, ids=str)
def test_an_action_has_a_title_and_the_vocabulary_of_its_app(member: AuditAction) -> None:
    app = next(name for name, enum in ENUMS.items() if isinstance(member, enum))
    assert SHAPE.fullmatch(member.value)
    assert member.value.startswith(f"{app}:")
    assert LONGEST is not None
    assert len(member.value) <= LONGEST
    title = labels.title(AuditEvent(action=member.value))
    assert title == str(member.label)
    # Without a label Django makes one from the member's name. A written one differs from it.
    assert title != member.name.replace("_", " ").title()


def test_no_two_actions_share_a_title() -> None:
    assert len({str(member.label) for member in MEMBERS}) == len(MEMBERS)


def test_an_action_of_an_older_version_is_made_readable() -> None:
    assert labels.title(AuditEvent(action="jobs:job:changed")) == "Job changed"


def test_no_code_writes_an_action_as_a_string() -> None:
    bare = [
        f"{path}:{node.lineno} {node.value}"
        for path, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if path.name not in ("actions.py", "audit_actions.py") and BEGINNING.match(node.value)
    ]
    assert bare == []


def test_every_action_is_used() -> None:
    used = {
        (node.value.id, node.attr)
        for _, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    unused = [member for member in MEMBERS if (type(member).__name__, member.name) not in used]
    assert unused == []


def test_nothing_but_a_member_is_handed_to_record() -> None:
    """`record`'s action is a member, a choice of members, or a name that holds one."""
    wrong, found = [], 0
    for path, tree in _sources():
        names = {*_annotated(tree), *_assigned(tree)}
        for call in _record_calls(tree):
            found += 1
            action = call.args[1]
            if not (_is_member(action) or (isinstance(action, ast.Name) and action.id in names)):
                wrong.append(f"{path}:{call.lineno} {ast.unparse(action)}")
    assert found > 30
    assert wrong == []


def _is_member(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_member(node.body) and _is_member(node.orelse)
    if isinstance(node, ast.Subscript):  # a table of members
        return isinstance(node.value, ast.Name) and node.value.id.endswith("AUDIT_ACTIONS")
    return isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("AuditAction")


def _annotated(tree: ast.AST) -> Iterator[str]:
    """Parameters that are annotated as an action."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.arg) or node.annotation is None:
            continue
        if ast.unparse(node.annotation).endswith("AuditAction"):
            yield node.arg


def _assigned(tree: ast.AST) -> Iterator[str]:
    """Names that a member is assigned to, alone or as one of a tuple."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        else:
            pairs = [(target, node.value)]
        yield from (name.id for name, value in pairs if isinstance(name, ast.Name) and _is_member(value))


def _record_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record":
            yield node


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for app in ("accounts", "jobs", "portal", "sshgateway"):
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(settings.BASE_DIR), ast.parse(path.read_text(encoding="utf-8"))
