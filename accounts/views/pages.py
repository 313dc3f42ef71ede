"""What every page view needs: the user, the actor for the audit trail, a confirmation page, a way back."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import source_address
from accounts.audit.trail import Actor
from accounts.keys.key_material import KeyMaterial, key_material_in
from accounts.models import User
from accounts.users.administrators import is_administrator


def person(request: HttpRequest) -> User:
    """Return the signed-in user. Only for views behind `login_required`."""
    return cast(User, request.user)


def administrators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view for administrators only. Other signed-in users get 403, whether or not the object exists."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_administrator(person(request)):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)


def actor(request: HttpRequest) -> Actor:
    """Return the actor for the audit trail: the user, the source address, and that it was a page."""
    return Actor(user=person(request), source_address=source_address.source_address_of(request), via="page")


def shown_again(text: str) -> str:
    """Return what was typed into a name or a note, for its field; empty if a private key was pasted there."""
    return "" if key_material_in(text) is KeyMaterial.PRIVATE else text


def is_fragment(request: HttpRequest) -> bool:
    """Return whether htmx sent the request, and so expects a fragment of the page."""
    return bool(getattr(request, "htmx", False))


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the user has confirmed the action, in the dialog or on the confirmation page."""
    return request.POST.get("confirmed") == "1"


def ask_first(
    request: HttpRequest,
    *,
    title: str,
    text: str,
    button: str,
    back: str,
    carried: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Render the confirmation page, for browsers without JavaScript. It posts again with `confirmed`."""
    context = {"title": title, "text": text, "button": button, "back": back, "carried": carried}
    return render(request, "accounts/confirm.html", context)


def go_back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Redirect to the page the form came from (`next`) if it belongs to this portal, else to `otherwise`."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=False):
        target = otherwise
    return redirect(target)
