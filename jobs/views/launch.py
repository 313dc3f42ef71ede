"""The page that launches a cluster from a definition: what it would be and cost is shown before it is."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.keys import validity
from accounts.refusals import Refused
from accounts.views.pages import actor, person
from jobs.context.plan import OnError
from jobs.definitions import launching, toml_text
from jobs.definitions.launching import Checked, DefinitionRefused
from jobs.definitions.problems import DefinitionInvalid, Problem
from jobs.definitions.samples import named, samples
from jobs.models import CoreType
from jobs.views.clusters import find

LONGEST_QUOTED = 200


@dataclass(frozen=True)
class ShownProblem:
    """A problem with the line of the text it is about."""

    problem: Problem
    quoted: str


@dataclass(frozen=True)
class Group:
    """Members that are alike: what the preview says of them in one line."""

    names: str
    count: int
    core_type: str
    cores: int
    roles: str


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def launch(request: HttpRequest) -> HttpResponse:
    """Show the form; or check what was sent, and launch it if this very text was looked at before."""
    if request.method != "POST":
        return _page(request, _first_text(request))
    try:
        text = _sent_text(request)
        checked = launching.check(person(request), text)
        if "launch" in request.POST and request.POST.get("checked") == _digest(text):
            cluster = launching.launch(actor(request), person(request), text)
            return redirect("job_page", cluster.job_id)
    except DefinitionRefused as refused:
        return _page(request, _shown_text(request), problems=refused.problems, status=refused.status)
    except Refused as refused:
        problem = Problem(None, "", refused.message)
        return _page(request, _shown_text(request), problems=[problem], status=refused.status)
    return _page(request, text, checked=checked, ask_again="launch" in request.POST)


@login_required
@never_cache
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """The same look without launching, for the page to show beside the text while it is written."""
    try:
        text = _sent_text(request)
        if not text.strip():
            return _result(request, {})
        checked = launching.check(person(request), text)
    except DefinitionRefused as refused:
        shown = _shown_text(request)
        return _result(request, {"problems": _shown_problems(refused.problems, shown)})
    return _result(request, _preview(text, checked))


def _result(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "jobs/fragments/definition_result.html", context)


def _page(
    request: HttpRequest,
    text: str,
    *,
    checked: Checked | None = None,
    problems: Sequence[Problem] = (),
    ask_again: bool = False,
    status: int = 200,
) -> HttpResponse:
    owner = person(request)
    context: dict[str, Any] = {
        "nav": "clusters",
        "text": text,
        "ask_again": ask_again,
        "problems": _shown_problems(problems, text),
        "samples": samples(),
        "sample_texts": {sample.name: sample.text for sample in samples()},
        "core_types": CoreType.objects.filter(is_active=True),
        "most_kb": toml_text.MOST_BYTES // 1024,
        "most_members": settings.HEADNODE_MAX_SLOTS,
        "most_hours": settings.HEADNODE_MAX_JOB_HOURS,
        "has_key": bool(validity.usable_keys(owner)),
    }
    if checked is not None:
        context |= _preview(text, checked)
    return render(request, "jobs/launch.html", context, status=status)


def _first_text(request: HttpRequest) -> str:
    """What to begin with: a sample, a definition launched before, nothing."""
    if sample := named(request.GET.get("sample", "")):
        return sample.text
    if handle := request.GET.get("again", ""):
        cluster = find(request, handle)
        return cluster.definition.text if cluster.has_definition else ""  # type: ignore[attr-defined]
    return ""


def _sent_text(request: HttpRequest) -> str:
    """The text of the field, or of a file if one was chosen. Raises DefinitionRefused."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("definition", "").replace("\r\n", "\n")
    try:
        return toml_text.decode(file.read(toml_text.MOST_BYTES + 1)).replace("\r\n", "\n")
    except DefinitionInvalid as invalid:
        raise DefinitionRefused(invalid.problems) from None


def _shown_text(request: HttpRequest) -> str:
    """What the field shows after a refusal: what was sent, as far as it is text."""
    try:
        if (file := request.FILES.get("file")) is not None:
            file.seek(0)
        return _sent_text(request)
    except DefinitionRefused:
        return request.POST.get("definition", "").replace("\r\n", "\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _shown_problems(problems: Sequence[Problem], text: str) -> list[ShownProblem]:
    lines = text.split("\n")
    return [
        ShownProblem(
            problem,
            lines[problem.line - 1].strip()[:LONGEST_QUOTED]
            if problem.line and problem.line <= len(lines)
            else "",
        )
        for problem in problems
    ]


def _preview(text: str, checked: Checked) -> dict[str, Any]:
    definition = checked.definition
    policy = definition.plan.policy
    return {
        "checked": checked,
        "digest": _digest(text),
        "definition": definition,
        "nodes": len(definition.plan.members),
        "groups": _groups(checked),
        "most_price": checked.price_per_hour * Decimal(str(definition.hours)),
        "holds": policy.on_error == OnError.HOLD,
        "continues": policy.on_error == OnError.CONTINUE,
        "scripts": sorted({phase.value for member in definition.plan.members for phase in member.scripts}),
    }


def _groups(checked: Checked) -> list[Group]:
    """Members that are alike and follow each other, as one line."""
    found: list[list[Any]] = []
    for member in checked.definition.plan.members:
        kind = (member.role, member.core_type, member.cores, member.provides, member.requires)
        if not found or found[-1][0] != kind or member.role == "head":
            found.append([kind, []])
        found[-1][1].append(member.name)
    return [
        Group(
            names=names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}",
            count=len(names),
            core_type=checked.core_types[core_type].name,
            cores=cores,
            roles=", ".join([*provides, *(f"← {role}" for role in requires)]),
        )
        for (_, core_type, cores, provides, requires), names in found
    ]
