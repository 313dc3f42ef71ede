"""What a view needs from a request: the user, the actor for the audit trail, the object in the path."""

import re
from typing import TypeVar, cast

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts import source_address
from accounts.audit.trail import Actor
from accounts.models import User

Row = TypeVar("Row", bound=Model)

_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def person(request: Request) -> User:
    """Return the signed-in user. Only for views that require sign-in."""
    return cast(User, request.user)


def actor(request: Request) -> Actor:
    """Return the actor for the audit trail: the user, the source address, and whether the key of a job acts."""
    user = person(request)
    via = "job" if user.only_job else "api"
    return Actor(user, source_address.source_address_of(request._request), via)


def pick(rows: QuerySet[Row], text: str, *, number: bool = False) -> Row:
    """Return the row with this id. `rows` are those the user may see.

    Raises NotFound if there is none. An impossible id, such as one with NUL or 40 digits, never reaches the database.
    """
    if (_NUMBER if number else _WORD).fullmatch(text) is None:
        raise NotFound()
    row = rows.filter(pk=text).first()
    if row is None:
        raise NotFound()
    return row


def is_v3(request: Request) -> bool:
    """Return whether the request is for version 3 of the API."""
    return request.path.startswith("/api/v3/")
