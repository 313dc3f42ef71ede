"""What a view needs to know of a request: whose it is, who acts, which row is meant."""

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
    """Who is signed in. Only for views that let nobody else in."""
    return cast(User, request.user)


def actor(request: Request) -> Actor:
    """Who acts, from where, for the audit trail."""
    return Actor(person(request), source_address.source_address_of(request._request), "api")


def pick(rows: QuerySet[Row], text: str, *, number: bool = False) -> Row:
    """The row with this id among those the person may see.

    Raises NotFound also for an id no row can have: NUL or 40 digits never reach the database.
    """
    if (_NUMBER if number else _WORD).fullmatch(text) is None:
        raise NotFound()
    row = rows.filter(pk=text).first()
    if row is None:
        raise NotFound()
    return row


def is_v3(request: Request) -> bool:
    """Whether the newer form of an answer is wanted."""
    return request.path.startswith("/api/v3/")
