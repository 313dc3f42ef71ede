"""Every reason has its sentence, its line in the documentation, and one spelling everywhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshgateway.ssh import errors
from sshgateway.ssh.errors import SSHError
from sshgateway.terminals.end_reasons import (
    KEEPS_ACCESS,
    UNKNOWN_REASON,
    End,
    EndReason,
    as_told_to_guest,
    end_for,
)

PROTOCOL = Path("docs/terminal-protocol.md").read_text()
# Functions that take a reason, and which of their arguments it is.
TAKES_REASON = {"end_for": 0, "End": 0, "end_session": 1, "end_sessions": None, "_end": 1}


def sources() -> Iterator[tuple[Path, ast.AST]]:
    """The apps' modules, parsed."""
    for app in ("sshgateway", "jobs"):
        for path in sorted(Path(app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def reasons_given(tree: ast.AST) -> Iterator[str]:
    """The words that a module hands to a function that takes a reason, or saves as one."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [word.value for word in node.keywords if word.arg in ("end_reason", "end_requested_reason")]
        if name in TAKES_REASON:
            given += [word.value for word in node.keywords if word.arg == "reason"]
            position = TAKES_REASON[name]
            if position is not None and len(node.args) > position:
                given.append(node.args[position])
        for one in given:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value:
                yield one.value


@pytest.mark.parametrize("reason", EndReason)
def test_every_reason_has_a_label_and_a_sentence(reason: EndReason) -> None:
    assert re.fullmatch(r"[a-z_]{1,40}", reason.value), "fits the column"
    assert reason.value == reason.name.lower()
    assert reason.label
    assert not reason.label.endswith(".")
    assert reason.sentence.endswith(".")
    assert end_for(reason).message == reason.sentence
    assert end_for(reason).message != UNKNOWN_REASON


@pytest.mark.parametrize("reason", EndReason)
def test_every_reason_is_documented(reason: EndReason) -> None:
    assert f"`{reason.value}`" in PROTOCOL


def test_every_reason_that_is_given_is_one_of_them() -> None:
    known = {reason.value for reason in EndReason}
    given = {(str(path), word) for path, tree in sources() for word in reasons_given(tree)}
    assert {(path, word) for path, word in given if word not in known} == set()
    assert {path for path, _ in given if path.startswith("sshgateway/")} == set(), (
        "they are named, not spelled"
    )


@pytest.mark.parametrize(
    "code",
    [
        "end_for('gone')",
        "end_reasons.end_for('gone', text)",
        "end_sessions(subject=x, reason='gone')",
        "session_actions.end_session(session, 'gone')",
        "rows.update(end_reason='gone')",
    ],
)
def test_the_search_finds_a_reason_that_is_spelled(code: str) -> None:
    assert list(reasons_given(ast.parse(code))) == ["gone"]


@pytest.mark.parametrize(
    "error",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, SSHError)
        and kind not in (SSHError, errors.OutputTooLong)
    ],
)
def test_what_keeps_a_shell_from_opening_is_a_reason(error: type[SSHError]) -> None:
    assert error.reason in list(EndReason)


def test_an_end_by_an_administrator_has_one_spelling_and_keeps_the_owners_access() -> None:
    assert "closed_by_administrator" not in {reason.value for reason in EndReason}
    assert frozenset({"closed_by_owner", "ended_by_administrator"}) == KEEPS_ACCESS


def test_an_exit_status_is_said() -> None:
    assert end_for(EndReason.EXITED, exit_status=3).message == "The shell ended with exit status 3."
    assert end_for(EndReason.EXITED, exit_status=0).message == "The shell ended."


def test_a_check_of_the_app_above_may_have_a_reason_of_its_own() -> None:
    assert end_for("budget_spent", "Your budget is spent.") == End("budget_spent", "Your budget is spent.")


def test_a_guest_is_not_told_the_owners_business() -> None:
    for reason in (EndReason.CIDR_DENIED, EndReason.SSH_ACCESS_OFF, EndReason.NOT_SIGNED_IN):
        told = as_told_to_guest(end_for(reason, "from 192.0.2.1"), "alice")
        assert told.reason == EndReason.ACCESS_WITHDRAWN
        assert "192.0.2.1" not in told.message
    assert as_told_to_guest(end_for(EndReason.IDLE), "alice") == end_for(EndReason.IDLE)
