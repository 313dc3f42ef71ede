"""The form on which administrators add, change and retire a core type."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.refusals import Refused, SeveralRefused
from accounts.views.pages import actor
from jobs.catalogue import core_types
from jobs.catalogue.drafts import CoreTypeDraft
from jobs.models import CoreType
from jobs.views.administrator_pages import hidden_from_others

_TEXTS = ("name", "description", "processor")
_NUMBERS = ("memory_mb_per_core", "storage_gb", "ssh_port", "display_order")
# What was typed is no number: the checks refuse it with their own sentence.
NO_NUMBER = -1
_NEW: dict[str, Any] = {
    "ssh_port": "22",
    "storage_gb": "0",
    "display_order": "0",
    "is_active": True,
}


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def new_core_type(request: HttpRequest) -> HttpResponse:
    """Show the empty form; on POST add the core type."""
    if request.method != "POST":
        return _render(request, None, _NEW)
    try:
        added = core_types.add_core_type(
            actor(request), CoreTypeDraft(code=request.POST.get("code", "").strip(), **_read(request.POST))
        )
    except Refused as refused:
        return _render(request, None, _typed(request.POST), refused)
    messages.success(request, _("Added “%(name)s”.") % {"name": added.name})
    return redirect(_came_from(request))


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def core_type(request: HttpRequest, code: str) -> HttpResponse:
    """Show one core type; on POST save the changes."""
    found = get_object_or_404(CoreType, pk=code)
    if request.method != "POST":
        return _render(request, found, _saved(found))
    try:
        changed = core_types.change_core_type(actor(request), found, _read(request.POST))
    except Refused as refused:
        return _render(request, found, _typed(request.POST), refused)
    messages.success(request, _("Saved “%(name)s”.") % {"name": changed.name})
    return redirect(_came_from(request))


@hidden_from_others
@require_POST
def offer_core_type(request: HttpRequest, code: str) -> HttpResponse:
    """Retire a core type, or offer it again, from the rate card."""
    found = get_object_or_404(CoreType, pk=code)
    if request.POST.get("offer") == "1":
        core_types.change_core_type(actor(request), found, {"is_active": True})
        text = _("“%(name)s” is on offer again.")
    else:
        core_types.retire_core_type(actor(request), found)
        text = _("“%(name)s” is retired: new jobs cannot use it, and what runs runs on.")
    messages.success(request, text % {"name": found.name})
    return redirect("rate_card")


def _came_from(request: HttpRequest) -> str:
    """Return the name of the page that led here: the rate card, or else the catalogue."""
    return "rate_card" if request.GET.get("from") == "rate_card" else "catalogue"


def _read(form: QueryDict) -> dict[str, Any]:
    """Return the fields of a draft, but for the code."""
    return {
        **{name: form.get(name, "").strip() for name in _TEXTS},
        **{name: _number(form.get(name, "")) for name in _NUMBERS},
        "price_per_core_hour": _price(form.get("price", "")),
        "cores": [_number(text) for text in re.split(r"[\s,;]+", form.get("cores", "").strip()) if text],
        "is_active": form.get("is_active") == "on",
    }


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII) else NO_NUMBER


def _price(text: str) -> Decimal:
    try:
        return Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return Decimal(NO_NUMBER)


def _typed(form: QueryDict) -> dict[str, Any]:
    return {**form.dict(), "is_active": form.get("is_active") == "on"}


def _saved(found: CoreType) -> dict[str, Any]:
    draft = core_types.draft_from(found)
    return {
        **vars(draft),
        "cores": ", ".join(map(str, draft.cores)),
        "price": f"{draft.price_per_core_hour.normalize():f}",
    }


def _render(
    request: HttpRequest,
    found: CoreType | None,
    values: Mapping[str, Any],
    refused: Refused | None = None,
) -> HttpResponse:
    problems = refused.problems if isinstance(refused, SeveralRefused) else [refused] if refused else []
    context = {
        "nav": _came_from(request),
        "came_from": _came_from(request),
        "core_type": found,
        "values": values,
        "errors": {problem.field or "name": problem.message for problem in problems},
    }
    return render(request, "jobs/core_type.html", context, status=refused.status if refused else 200)
