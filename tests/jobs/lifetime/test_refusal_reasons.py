"""Reasons of refusals in the lifetime room: each is used, and none is written as a bare string."""

import ast
from pathlib import Path

from django.conf import settings

from jobs.lifetime.refusal_reasons import LifetimeRefusal

ROOM = Path(settings.BASE_DIR) / "jobs" / "lifetime"
TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOM.glob("*.py"))]
CALLS = [node for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Call)]
REASONS = [
    call.args[0]
    for call in CALLS
    if isinstance(call.func, ast.Name) and call.func.id == "Refused" and call.args
]


def test_no_reason_is_a_bare_string() -> None:
    assert REASONS
    assert [reason for reason in REASONS if isinstance(reason, ast.Constant)] == []


def test_every_reason_is_used() -> None:
    used = {reason.attr for reason in REASONS if isinstance(reason, ast.Attribute)}
    assert used == set(LifetimeRefusal.__members__)
