"""The audit trail page."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.audit import labels, trail
from accounts.views.pages import person

PAGE_SIZE = 50


@login_required
@never_cache
@require_GET
def audit_trail(request: HttpRequest) -> HttpResponse:
    """Show what the user did and what was done to their objects."""
    page = Paginator(trail.visible_to(person(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        {
            "event": event,
            "title": labels.title(event),
            "name": labels.object_name(event),
            "differences": labels.differences(event),
        }
        for event in page.object_list
    ]
    context = {"nav": "settings", "section": "audit", "page": page, "rows": rows}
    return render(request, "accounts/audit.html", context)
