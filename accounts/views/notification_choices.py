"""The page where people choose how they are told of each kind of notification."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.notifications import choices, mail_settings
from accounts.notifications.kinds import Channels, NotificationKind
from accounts.views.pages import actor, is_fragment, person


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def notification_choices(request: HttpRequest) -> HttpResponse:
    """Show a row for each kind with its ways; save them all on POST."""
    if request.method != "POST":
        return _show(request)
    chosen = {kind: _chosen(request, kind) for kind in NotificationKind}
    services.change_notification_choices(actor(request), person(request), chosen)
    return _show(request, notices=[("good", _("Saved."))])


def _chosen(request: HttpRequest, kind: NotificationKind) -> Channels:
    return Channels(
        page=f"{kind.value}-page" in request.POST,
        mail=f"{kind.value}-mail" in request.POST,
        webhook=f"{kind.value}-webhook" in request.POST,
    )


def _show(request: HttpRequest, **more: Any) -> HttpResponse:
    user = person(request)
    rows = [
        {"kind": kind, "title": _(kind.heading), "sentence": _(kind.sentence), "channels": channels}
        for kind, channels in choices.all_channels(user).items()
    ]
    context = {
        "nav": "settings",
        "section": "notifications",
        "rows": rows,
        "has_mail_server": mail_settings.has_mail_server(),
        "address": user.email,
        **more,
    }
    fragment = "accounts/fragments/notification_choices.html"
    template = fragment if is_fragment(request) else "accounts/notification_choices.html"
    return render(request, template, context)
