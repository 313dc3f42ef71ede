"""Handles: `cluster-001`, `cluster-002`... what a person calls their clusters by."""

import re

from django.db import transaction
from django.db.models import F

from accounts.models import User
from jobs.models import ClusterCount

_HANDLE = re.compile(r"cluster-[0-9]{3,9}", re.ASCII)


def next_handle(owner: User) -> str:
    """The person's next handle.

    The counter's row is held until the transaction around ends: of two at once the second waits and takes the next,
    and one that fails gives its number back.
    """
    with transaction.atomic():
        ClusterCount.objects.get_or_create(owner=owner)
        row = ClusterCount.objects.filter(owner=owner)
        row.update(last=F("last") + 1)
        return of_number(row.values_list("last", flat=True).get())


def of_number(number: int) -> str:
    """7 -> `cluster-007`, 1234 -> `cluster-1234`."""
    return f"cluster-{number:03d}"


def is_handle(text: str) -> bool:
    """Whether any cluster could have this handle; what could not never reaches the database."""
    return _HANDLE.fullmatch(text) is not None
