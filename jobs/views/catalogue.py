"""The administrators' page of the catalogue: every core type and analysis, on offer or retired."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from jobs.models import Analysis, CoreType
from jobs.views.administrator_pages import hidden_from_others


@hidden_from_others
@never_cache
@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show what jobs may run on and with."""
    rows = Analysis.objects.prefetch_related("versions")
    context = {
        "nav": "catalogue",
        "core_types": CoreType.objects.order_by("-is_active", "display_order", "code"),
        "analyses": [
            (row, [version.name for version in row.versions.all() if version.is_active])
            for row in rows.order_by("-is_active", "display_order", "code")
        ],
    }
    return render(request, "jobs/catalogue.html", context)
