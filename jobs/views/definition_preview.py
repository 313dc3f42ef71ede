"""What the launch page shows about a definition: what it would launch and cost, or what is wrong with it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from jobs.context.context_plan import Member, OnError
from jobs.definitions.launching import CheckedDefinition
from jobs.definitions.problems import Problem

MAX_QUOTED = 200


@dataclass(frozen=True)
class ShownProblem:
    """A problem with the line of the text it is about, cut to MAX_QUOTED characters; empty without a line."""

    problem: Problem
    quoted: str


@dataclass(frozen=True)
class MemberGroup:
    """Consecutive members that are alike, shown as one line."""

    names: str
    count: int
    core_type: str
    cores: int
    roles: str


def digest_of(text: str) -> str:
    """Return the digest by which the page recognizes a text that was checked before."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def shown_problems(problems: Sequence[Problem], text: str) -> list[ShownProblem]:
    """Return each problem with the line it is about."""
    lines = text.split("\n")
    return [ShownProblem(problem, _quoted(problem.line, lines)) for problem in problems]


def preview_context(text: str, checked: CheckedDefinition) -> dict[str, Any]:
    """Return the context of `jobs/fragments/definition_result.html` for a valid definition."""
    definition = checked.definition
    policy = definition.plan.policy
    return {
        "checked": checked,
        "digest": digest_of(text),
        "definition": definition,
        "nodes": len(definition.plan.members),
        "groups": _groups(checked),
        "most_price": checked.price_per_hour * Decimal(str(definition.hours)),
        "holds": policy.on_error == OnError.HOLD,
        "continues": policy.on_error == OnError.CONTINUE,
        "scripts": sorted({phase.value for member in definition.plan.members for phase in member.scripts}),
    }


def _quoted(line: int | None, lines: Sequence[str]) -> str:
    return lines[line - 1].strip()[:MAX_QUOTED] if line and line <= len(lines) else ""


def _groups(checked: CheckedDefinition) -> list[MemberGroup]:
    members = checked.definition.plan.members
    return [_group(checked, list(alike)) for _, alike in groupby(members, key=_likeness)]


def _likeness(member: Member) -> tuple[object, ...]:
    return member.role, member.core_type, member.cores, member.provides, member.requires


def _group(checked: CheckedDefinition, alike: Sequence[Member]) -> MemberGroup:
    first, last = alike[0], alike[-1]
    return MemberGroup(
        names=first.name if first is last else f"{first.name} … {last.name}",
        count=len(alike),
        core_type=checked.core_types[first.core_type].name,
        cores=first.cores,
        roles=", ".join([*first.provides, *(f"← {role}" for role in first.requires)]),
    )
