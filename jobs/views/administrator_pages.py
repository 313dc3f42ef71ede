"""Hide a page from everybody but administrators."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from accounts.users.administrators import is_administrator
from accounts.views.pages import person

View = Callable[..., HttpResponse]


def hidden_from_others(view: View) -> View:
    """Raise Http404 for users who are not administrators, as if the page did not exist."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_administrator(person(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(checked)
