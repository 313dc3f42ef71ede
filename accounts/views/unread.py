"""The unread count: on every page, and read again by the page while it is open."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.notifications import inbox
from accounts.views.pages import person


def unread(request: HttpRequest) -> dict[str, Any]:
    """Return the count for a page's context, as a function: only pages that show it ask the database."""

    def unread_notifications() -> int:
        return inbox.unread_count(person(request))

    return {"unread_notifications": unread_notifications, "counted_up_to": inbox.COUNTED_UP_TO}


@login_required
@never_cache
@require_GET
def unread_state(request: HttpRequest) -> HttpResponse:
    """Return as JSON how many are unread and the newest of them, for the badge and for browser notifications."""
    newest = inbox.unread_of(person(request)).first()
    shown = newest and {
        "id": newest.pk,
        "title": newest.title,
        "text": newest.text,
        "link": newest.link,
    }
    return JsonResponse({"unread": inbox.unread_count(person(request)), "newest": shown})
