"""What every page needs: who acts, a page that asks before something is lost, where to go back to."""

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
from accounts.models import User
from accounts.users.administrators import is_administrator


def person(request: HttpRequest) -> User:
    """The signed-in person; only for views behind `login_required`."""
    return cast(User, request.user)


def administrators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let administrators in; others who are signed in are told 403, whatever the path names."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_administrator(person(request)):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)


def actor(request: HttpRequest) -> Actor:
    """The person as the one who acts, from where, through a page."""
    return Actor(user=person(request), source_address=source_address.source_address_of(request), via="page")


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, and so wants a piece of the page instead of all of it."""
    return bool(getattr(request, "htmx", False))


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person said yes to losing something: in the dialog, or on the page that asks."""
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
    """A page that says what will be lost and asks; for browsers without scripts."""
    context = {"title": title, "text": text, "button": button, "back": back, "carried": carried}
    return render(request, "parts/confirm_page.html", context)


def go_back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Redirect to the page the form came from (`next`), if it is one of ours."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=False):
        target = otherwise
    return redirect(target)
