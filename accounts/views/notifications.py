"""The inbox page: what the person was told, newest first; open one, mark as read."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Notification
from accounts.notifications import inbox
from accounts.notifications.kinds import find_kind
from accounts.views.pages import is_fragment, person

PAGE_SIZE = 30
ICONS = {
    "job_started": "play",
    "job_ended": "check",
    "job_failed": "error",
    "deadline_near": "clock",
    "budget": "chart",
    "key_expiring": "key",
    "token_expiring": "key",
    "shared_with_you": "user",
    "host_key_alarm": "shield",
    "webhook_off": "warning",
}


@login_required
@never_cache
@require_GET
def notifications(request: HttpRequest) -> HttpResponse:
    """Show the inbox: all, or with `?unread=true` what is unread."""
    return _show(request)


def _show(request: HttpRequest, **more: Any) -> HttpResponse:
    only_unread = request.GET.get("unread") == "true"
    rows = inbox.unread_of(person(request)) if only_unread else inbox.inbox_of(person(request))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    newest = rows.values_list("pk", flat=True).first() or 0  # of all pages: “Mark all as read” means all
    context = {
        "nav": "notifications",
        "page": page,
        "rows": [_row(row) for row in page.object_list],
        "only_unread": only_unread,
        "newest": newest,
        "is_fragment": is_fragment(request),
        **more,
    }
    template = (
        "accounts/fragments/notifications.html" if is_fragment(request) else "accounts/notifications.html"
    )
    return render(request, template, context)


def _row(row: Notification) -> dict[str, Any]:
    kind = find_kind(row.kind)
    return {
        "notification": row,
        "kind": _(kind.heading) if kind else row.kind.replace("_", " "),
        "icon": ICONS.get(row.kind, "info"),
    }


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read that the person saw: what came after the page was shown stays unread."""
    shown = request.POST.get("newest", "")
    inbox.mark_all_read(person(request), int(shown) if shown.isdecimal() and len(shown) < 19 else None)
    return _show(request) if is_fragment(request) else redirect("notifications")


@login_required
@require_POST
def read_one(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Mark one as read, or as unread again, and come back."""
    row = get_object_or_404(inbox.inbox_of(person(request)), pk=notification_id)
    inbox.mark_read([row], request.POST.get("read") != "0")
    return _show(request) if is_fragment(request) else redirect("notifications")


@login_required
@never_cache
@require_GET
def open_one(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Mark one as read and go to the page it is about: links from the inbox and from mail lead here."""
    row = get_object_or_404(Notification, person=person(request), pk=notification_id)
    inbox.mark_read([row])
    return redirect(row.link or reverse("notifications"))
