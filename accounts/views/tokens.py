"""The API tokens page: create a token, see its secret once, end it."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.models import APIToken
from accounts.notifications.token_expiry_reminders import REMIND_BEFORE
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.api_tokens import BY_DEFAULT, ByDefault, default_token_life, longest_token_life
from accounts.token_scopes import ALL_SCOPES, TokenScope, ordered
from accounts.views.expiry_dates import end_of_day
from accounts.views.pages import actor, ask_first, is_confirmed, is_fragment, person, shown_again

# Days to choose from, as far as the administrator allows them.
LIVES = (7, 30, 90, 365)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the tokens and the form that creates one; create one on POST."""
    if request.method != "POST":
        return _show(request)
    name, life = request.POST.get("name", ""), request.POST.get("life", "")
    expires, scopes = request.POST.get("expires", ""), request.POST.getlist("scopes")
    try:
        token, secret = services.create_api_token(
            actor(request), person(request), name, expires_at=_expiry(life, expires), scopes=scopes
        )
    except Refused as refused:
        errors = {refused.field or "name": refused.message}
        return _show(
            request,
            status=refused.status,
            token_name=shown_again(name),
            token_life=life,
            token_expires=expires,
            token_scopes=scopes,
            token_errors=errors,
        )
    # No redirect: the secret is shown once, and a redirect would need it saved somewhere.
    return _show(request, made=token, secret=secret)


def _expiry(life: str, day: str) -> datetime | ByDefault | None:
    """Return when a token expires for which this was chosen. Raises Refused (`expiry_invalid`)."""
    if life == "never":
        return None
    if life == "day" or (not life and day):
        chosen = end_of_day(day)
        if chosen is None:
            raise Refused(RefusalReason.EXPIRY_INVALID, "Choose the day it expires on.", field="expires_at")
        return chosen
    if life in {str(days) for days in _lives()}:
        return timezone.now() + timedelta(days=int(life))
    return BY_DEFAULT


def _lives() -> list[int]:
    """Return the numbers of days to choose from: the usual ones that the administrator allows."""
    longest, usual = longest_token_life(), default_token_life().days
    return sorted({usual, *(days for days in LIVES if longest is None or days <= longest.days)})


def _scope_rows(chosen: list[str]) -> list[tuple[TokenScope, str, str, bool]]:
    return [(scope, _(scope.label), _(scope.sentence), scope.value in chosen) for scope in ALL_SCOPES]


def _row(token: APIToken) -> tuple[APIToken, list[str]]:
    """Return a token with the titles of its scopes; none of them if it has all."""
    chosen = ordered(token.scopes)
    if len(chosen) == len(ALL_SCOPES):
        return token, []
    return token, [_(scope.label) for scope in TokenScope if scope in chosen]


def _show(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "nav": "settings",
        "section": "tokens",
        "tokens": [_row(token) for token in person(request).api_tokens.not_ended()],
        "now": timezone.now(),
        "soon": timezone.now() + REMIND_BEFORE,
        "lives": _lives(),
        "longest_days": longest.days if (longest := longest_token_life()) else None,
        "scopes": _scope_rows(more.get("token_scopes", [TokenScope.READ.value, TokenScope.JOBS.value])),
        **more,
    }
    template = "accounts/fragments/tokens.html" if is_fragment(request) else "accounts/tokens.html"
    return render(request, template, context, status=status)


@login_required
@require_POST
def end(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token, after confirmation."""
    token = person(request).api_tokens.not_ended().filter(pk=token_id).first()
    if token is None:
        text = _("This token is no longer in your list: it was ended before, perhaps in another window.")
        return _show(request, status=404, notices=[("note", text)])
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("End the token “%(name)s”?") % {"name": token.name},
            text=_(
                "Programs that use it are refused, and their open terminals close. This cannot be undone."
            ),
            button=_("End token"),
            back=reverse("api_tokens"),
        )
    name = token.name
    services.end_api_token(actor(request), token)
    return _show(request, notices=[("good", _("Ended “%(name)s”.") % {"name": name})])
