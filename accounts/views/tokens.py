"""The API tokens page: create a token, see its secret once, revoke it."""

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
from accounts.refusals import Refused
from accounts.views.expiry_dates import end_of_day
from accounts.views.pages import actor, ask_first, is_confirmed, is_fragment, person, shown_again


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the tokens and the form that creates one; create one on POST."""
    if request.method != "POST":
        return _show(request)
    name, expires = request.POST.get("name", ""), request.POST.get("expires", "")
    try:
        token, secret = services.create_api_token(
            actor(request), person(request), name, expires_at=end_of_day(expires)
        )
    except Refused as refused:
        errors = {refused.field or "name": refused.message}
        return _show(
            request,
            status=refused.status,
            token_name=shown_again(name),
            token_expires=expires,
            token_errors=errors,
        )
    # No redirect: the secret is shown once, and a redirect would need it saved somewhere.
    return _show(request, made=token, secret=secret)


def _show(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "nav": "settings",
        "section": "tokens",
        "tokens": person(request).api_tokens.all(),
        "now": timezone.now(),
        **more,
    }
    template = "accounts/fragments/tokens.html" if is_fragment(request) else "accounts/tokens.html"
    return render(request, template, context, status=status)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revoke a token, after confirmation."""
    token = person(request).api_tokens.filter(pk=token_id).first()
    if token is None:
        text = _("This token is no longer in your list: it was revoked before, perhaps in another window.")
        return _show(request, status=404, notices=[("note", text)])
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Revoke the token “%(name)s”?") % {"name": token.name},
            text=_("Programs that use it can no longer sign in. This cannot be undone."),
            button=_("Revoke token"),
            back=reverse("api_tokens"),
        )
    name = token.name
    services.revoke_api_token(actor(request), token)
    return _show(request, notices=[("good", _("Revoked “%(name)s”.") % {"name": name})])
