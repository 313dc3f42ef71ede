"""Asks `jobs.context.plan` about one thing at a time, so that all that is wrong is found, not the first. Pure."""

from typing import Any

from accounts.refusals import Refused
from jobs.context import plan

_HEAD_MEMBER = {"name": plan.HEAD, "role": plan.HEAD, "core_type": "any", "cores": 1}
_ANY_MEMBER = {"name": "any", "role": "compute", "core_type": "any", "cores": 1}


def of_plan(**parts: Any) -> str:
    """What is wrong with `data`, `phase_timeouts` or `policy`, as a sentence; empty when nothing is."""
    return _refusal({"members": [_HEAD_MEMBER], **parts})


def of_name(name: str) -> str:
    """The same of a member's name."""
    return "" if name == plan.HEAD else of_member(name=name)


def of_member(**parts: Any) -> str:
    """The same of a part of a compute node's member."""
    return _refusal({"members": [_HEAD_MEMBER, {**_ANY_MEMBER, **parts}]})


def _refusal(document: dict[str, Any]) -> str:
    try:
        plan.read_plan(document)
    except Refused as refused:
        return refused.message
    return ""
