"""The page that confirms a sign-in of the command line: which program asks, from where, and what it may then do."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services, source_address
from accounts.models import DeviceLogin
from accounts.refusals import Refused
from accounts.rest.rate_limit import count_request
from accounts.services.api_tokens import default_token_life
from accounts.services.device_logins import find_pending_login
from accounts.views.pages import actor, person

# Nobody mistypes more often; whoever guesses must not get far. All at once too: to look at a code and to decide are two
# tries, and a person may sign several computers in.
TRIES_PER_MINUTE = 20


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def device_login(request: HttpRequest) -> HttpResponse:
    """Show the sign-in that waits with `code`, or ask for the code; on POST approve or deny it."""
    code = (request.POST if request.method == "POST" else request.GET).get("code", "")[:40]
    decision = request.POST.get("decision", "")
    if not code:
        return _show(request)
    tries = count_request(f"device:{person(request).pk}", TRIES_PER_MINUTE, at_once=TRIES_PER_MINUTE)
    if tries is not None and not tries.is_allowed:
        return _show(request, status=429, code=code, error=_("Too many attempts. Try again in a minute."))
    try:
        login = find_pending_login(code)
        if decision in ("approve", "deny"):
            services.decide_device_login(
                actor(request), person(request), login, approve=decision == "approve"
            )
            return _show(request, decided=decision, login=login)
    except Refused as refused:
        return _show(request, status=refused.status, code=code, error=refused.message)
    return _show(request, login=login)


def _show(
    request: HttpRequest, status: int = 200, login: DeviceLogin | None = None, **more: Any
) -> HttpResponse:
    address = source_address.source_address_of(request)
    context = {
        "nav": "settings",
        "login": login,
        "token_days": default_token_life().days,
        "from_here": login is not None and login.source_address == (address or None),
        **more,
    }
    return render(request, "accounts/device_login.html", context, status=status)
