"""Check one part of a context plan at a time, so that every problem is found and not only the first. Pure."""

from typing import Any

from accounts.refusals import Refused
from jobs.context.context_plan import HEAD
from jobs.context.plan_reader import read_plan

_HEAD_MEMBER = {"name": HEAD, "role": HEAD, "core_type": "any", "cores": 1}
_COMPUTE_MEMBER = {"name": "any", "role": "compute", "core_type": "any", "cores": 1}


def plan_refusal(**parts: Any) -> str:
    """Return what is wrong with `data`, `phase_timeouts` or `policy`, as a sentence; empty when nothing is."""
    return _refusal({"members": [_HEAD_MEMBER], **parts})


def name_refusal(name: str) -> str:
    """Return what is wrong with a member's name; empty when nothing is."""
    return "" if name == HEAD else member_refusal(name=name)


def member_refusal(**parts: Any) -> str:
    """Return what is wrong with these parts of a compute node's member; empty when nothing is."""
    return _refusal({"members": [_HEAD_MEMBER, {**_COMPUTE_MEMBER, **parts}]})


def _refusal(document: dict[str, Any]) -> str:
    try:
        read_plan(document)
    except Refused as refused:
        return refused.message
    return ""
