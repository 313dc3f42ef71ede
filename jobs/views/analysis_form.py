"""The form on which administrators add, change and retire an analysis with its versions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.refusals import Refused, SeveralRefused
from accounts.views.pages import actor
from jobs.catalogue import analyses
from jobs.catalogue.drafts import AnalysisDraft, VersionDraft
from jobs.models import Analysis, CoreType
from jobs.views.administrator_pages import hidden_from_others

_TEXTS = ("name", "description", "vendor_name")
_VERSION_FIELDS = ("version_code", "version_name", "core_types", "script")
_EMPTY_VERSION = dict.fromkeys(_VERSION_FIELDS, "")
_NEW: dict[str, Any] = {"is_active": True, "display_order": "0"}


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def new_analysis(request: HttpRequest) -> HttpResponse:
    """Show the empty form; on POST add the analysis."""
    if request.method != "POST":
        return _render(request, None, _NEW, [])
    try:
        added = analyses.add_analysis(
            actor(request), AnalysisDraft(code=request.POST.get("code", "").strip(), **_read(request.POST))
        )
    except Refused as refused:
        return _render(request, None, _typed(request.POST), _typed_versions(request.POST), refused)
    messages.success(request, _("Added “%(name)s”.") % {"name": added.name})
    return redirect("catalogue")


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def analysis(request: HttpRequest, code: str) -> HttpResponse:
    """Show one analysis; on POST save the changes."""
    found = get_object_or_404(Analysis, pk=code)
    if request.method != "POST":
        draft = analyses.draft_from(found)
        return _render(request, found, vars(draft), [_shown(version) for version in draft.versions])
    try:
        changed = analyses.change_analysis(actor(request), found, _read(request.POST))
    except Refused as refused:
        return _render(request, found, _typed(request.POST), _typed_versions(request.POST), refused)
    messages.success(request, _("Saved “%(name)s”.") % {"name": changed.name})
    return redirect("catalogue")


def _read(form: QueryDict) -> dict[str, Any]:
    """Return the fields of a draft, but for the code."""
    order = form.get("display_order", "").strip()
    return {
        **{name: form.get(name, "").strip() for name in _TEXTS},
        "display_order": int(order) if re.fullmatch(r"[0-9]{1,9}", order, re.ASCII) else -1,
        "accepts_any_version": form.get("accepts_any_version") == "on",
        "is_active": form.get("is_active") == "on",
        "versions": [_version(typed) for typed in _typed_versions(form)],
    }


def _typed_versions(form: QueryDict) -> list[dict[str, str]]:
    """Return the versions that were typed. One without a code is left out: that is how a version is removed."""
    columns = [form.getlist(name) for name in _VERSION_FIELDS]
    rows = [dict(zip(_VERSION_FIELDS, row, strict=True)) for row in zip(*columns, strict=False)]
    return [row for row in rows if row["version_code"].strip()]


def _version(typed: Mapping[str, str]) -> VersionDraft:
    code = typed["version_code"].strip()
    return VersionDraft(
        code=code,
        name=typed["version_name"].strip() or code,
        allowed_core_types=tuple(text for text in re.split(r"[\s,;]+", typed["core_types"].strip()) if text),
        environment_script=typed["script"].replace("\r\n", "\n"),
    )


def _shown(version: VersionDraft) -> dict[str, str]:
    return {
        "version_code": version.code,
        "version_name": version.name,
        "core_types": ", ".join(version.allowed_core_types),
        "script": version.environment_script,
    }


def _typed(form: QueryDict) -> dict[str, Any]:
    ticks = {name: form.get(name) == "on" for name in ("accepts_any_version", "is_active")}
    return {**form.dict(), **ticks}


def _render(
    request: HttpRequest,
    found: Analysis | None,
    values: Mapping[str, Any],
    versions: Sequence[Mapping[str, str]],
    refused: Refused | None = None,
) -> HttpResponse:
    problems = refused.problems if isinstance(refused, SeveralRefused) else [refused] if refused else []
    errors: dict[str, str] = {}
    for problem in problems:
        field = problem.field or "name"
        errors[field] = f"{errors[field]} {problem.message}" if field in errors else problem.message
    context = {
        "nav": "catalogue",
        "analysis": found,
        "values": values,
        "versions": [*versions, _EMPTY_VERSION],
        "core_types": ", ".join(CoreType.objects.filter(is_active=True).values_list("code", flat=True)),
        "errors": errors,
    }
    return render(request, "jobs/analysis.html", context, status=refused.status if refused else 200)
