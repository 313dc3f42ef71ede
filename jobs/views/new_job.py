"""The page on which a user creates a job."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.refusals import Refused
from accounts.services import job_settings, projects
from accounts.source_address import source_address_of
from accounts.views.pages import actor, person, shown_again
from jobs.access.access_needs import access_needs
from jobs.costs.price_history import is_simulated
from jobs.models import Analysis, CoreType
from jobs.storage.job_inputs import attach_inputs
from jobs.submission import job_actions
from jobs.submission.job_actions import DraftRefused
from jobs.views.typed_job import typed_draft, typed_inputs


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new_job(request: HttpRequest) -> HttpResponse:
    """Show the form. On POST save the job, and submit it if that button was pressed."""
    if request.method != "POST":
        return _form(request, {"slots": "1", "walltime": "1"}, {})
    try:
        with transaction.atomic():  # a job that cannot be submitted stays in the form
            job = job_actions.create_job(actor(request), person(request), typed_draft(request.POST))
            attach_inputs(job, typed_inputs(request.POST))
            if "submit" in request.POST:
                job_actions.submit_job(actor(request), job)
    except DraftRefused as refused:
        errors = {problem.field or "name": problem.message for problem in reversed(refused.problems)}
        return _form(request, request.POST, errors, refused.status)
    except Refused as refused:
        return _form(request, request.POST, {refused.field or "name": refused.message}, refused.status)
    return redirect("job_page", job.pk)


def _form(
    request: HttpRequest, values: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> HttpResponse:
    owner = person(request)
    core_types = list(CoreType.objects.filter(is_active=True))
    chosen = _chosen(core_types, values.get("core_type", ""))
    context = {
        "nav": "new_job",
        "values": {**{name: values[name] for name in values}, "name": shown_again(values.get("name", ""))},
        "errors": errors,
        "software": [
            _choices(row) for row in Analysis.objects.filter(is_active=True).prefetch_related("versions")
        ],
        "cards": [_card(core_type) for core_type in core_types],
        "chosen": chosen,
        # The page's script removes those that the chosen core type does not offer.
        "all_cores": sorted({count for core_type in core_types for count in core_type.cores}),
        "cores": values.get("cores_per_slot") or (str(chosen.cores[0]) if chosen and chosen.cores else "1"),
        "catalogue": {core_type.code: _offer(core_type) for core_type in core_types},
        "max_slots": settings.HEADNODE_MAX_SLOTS,
        "max_hours": settings.HEADNODE_MAX_JOB_HOURS,
        "idle_minutes": settings.HEADNODE_IDLE_MINUTES,
        "max_idle_minutes": settings.HEADNODE_MAX_IDLE_MINUTES,
        "needs": access_needs(owner, source_address_of(request)),
        "settings": job_settings(owner),
        "is_simulated": is_simulated(),
        **_project_context(owner, values),
    }
    return render(request, "jobs/new_job.html", context, status=status)


def _choices(analysis: Analysis) -> tuple[Analysis, list[tuple[str, str]]]:
    """Return an analysis with the value and the title of each of its versions on offer, as the form has them."""
    versions = [version for version in analysis.versions.all() if version.is_active]
    titles = [
        analysis.name if analysis.accepts_any_version else f"{analysis.name} {v.name}" for v in versions
    ]
    return analysis, [(f"{analysis.code} {v.code}", title) for v, title in zip(versions, titles, strict=True)]


def _project_context(owner: User, values: Mapping[str, str]) -> dict[str, Any]:
    default = projects.default_project(owner)
    return {
        "projects": projects.projects_of(owner),
        "project_id": values.get("project", default.pk if default else ""),
        "project_required": projects.is_project_required(),
        "no_project": _("Every job needs a project, and you work on none yet. Ask your administrator."),
    }


def _chosen(core_types: Sequence[CoreType], code: str) -> CoreType | None:
    """Return the core type with this code, or the first one."""
    found = next((core_type for core_type in core_types if core_type.code == code), None)
    return found or (core_types[0] if core_types else None)


def _offer(core_type: CoreType) -> dict[str, Any]:
    """Return what the page's script needs of a core type to compute the summary."""
    return {
        "name": core_type.name,
        "cores": core_type.cores,
        "price": float(core_type.price_per_core_hour),
        "currency": core_type.currency,
        "memoryMb": core_type.memory_mb_per_core,
    }


def _card(core_type: CoreType) -> dict[str, Any]:
    """Return what the card of a core type shows."""
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
