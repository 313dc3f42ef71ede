"""The New job form."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.keys import validity
from accounts.refusals import Refused
from accounts.services import job_settings
from accounts.views.pages import actor, person
from jobs.models import CoreType
from jobs.submission import job_actions
from jobs.submission.draft import JobDraft
from jobs.submission.job_actions import DraftRefused


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new_job(request: HttpRequest) -> HttpResponse:
    """Show the form; or save the job, and submit it if asked to."""
    if request.method != "POST":
        return _form(request, {"slots": "1", "walltime": "1"}, {})
    try:
        job = job_actions.create_job(actor(request), person(request), _draft(request.POST))
    except DraftRefused as refused:
        errors = {problem.field or "name": problem.message for problem in reversed(refused.problems)}
        return _form(request, request.POST, errors, refused.status)
    except Refused as refused:
        return _form(request, request.POST, {refused.field or "name": refused.message}, refused.status)
    if "submit" in request.POST:
        job_actions.submit_job(actor(request), job)
    return redirect("job_page", job.pk)


def _draft(asked: Mapping[str, str]) -> JobDraft:
    """What was typed, as a draft. What is no number stays text: `jobs.submission.draft` says what is wrong with it."""
    hours = asked.get("walltime", "").strip()
    return JobDraft(
        name=asked.get("name", ""),
        command=asked.get("command", ""),
        core_type=asked.get("core_type", ""),
        cores_per_slot=_number(int, asked.get("cores_per_slot", "")),
        slots=_number(int, asked.get("slots", "")),
        walltime_hours=_number(float, hours) if hours else None,
    )


def _number(kind: type[int] | type[float], text: str) -> Any:
    """A number of that kind, or the text as it came."""
    try:
        return kind(text.strip()) if text.isascii() and "_" not in text else text
    except (ValueError, OverflowError):
        return text


def _form(
    request: HttpRequest, values: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> HttpResponse:
    owner = person(request)
    core_types = list(CoreType.objects.filter(is_active=True))
    chosen = next(
        (t for t in core_types if t.code == values.get("core_type")), core_types[0] if core_types else None
    )
    context = {
        "nav": "new_job",
        "values": values,
        "errors": errors,
        "cards": [_card(t) for t in core_types],
        "chosen": chosen,
        # Every number of cores any type has: scripts narrow it to the chosen type's.
        "all_cores": sorted({n for t in core_types for n in t.cores}),
        "cores": values.get("cores_per_slot") or (str(chosen.cores[0]) if chosen and chosen.cores else "1"),
        "catalogue": {t.code: _offer(t) for t in core_types},
        "max_slots": settings.HEADNODE_MAX_SLOTS,
        "max_hours": settings.HEADNODE_MAX_JOB_HOURS,
        "has_key": bool(validity.usable_keys(owner)),
        "settings": job_settings(owner),
    }
    return render(request, "jobs/new_job.html", context, status=status)


def _offer(core_type: CoreType) -> dict[str, Any]:
    """What the live summary needs of a core type."""
    return {
        "name": core_type.name,
        "cores": core_type.cores,
        "price": float(core_type.price_per_core_hour),
        "currency": core_type.currency,
        "memoryMb": core_type.memory_mb_per_core,
    }


def _card(core_type: CoreType) -> dict[str, Any]:
    """What the card to choose says of a core type."""
    price = f"{core_type.price_per_core_hour:.4f}".rstrip("0")
    cents = price + "0" * (2 - len(price.partition(".")[2]))
    return {
        "code": core_type.code,
        "name": core_type.name,
        "description": core_type.description,
        "processor": core_type.processor,
        "memory_gb": f"{core_type.memory_mb_per_core / 1000:g}",
        "most_cores": max(core_type.cores, default=1),
        "price": f"{core_type.currency} {cents}",
    }
