"""Cluster handles: `cluster-001`, `cluster-002`... the names a person uses for their clusters."""

import re

from django.db import transaction
from django.db.models import F

from accounts.models import User
from jobs.models import ClusterCount

_HANDLE = re.compile(r"cluster-[0-9]{3,9}", re.ASCII)


def next_handle(owner: User) -> str:
    """Take the person's next handle.

    The counter's row stays locked until the surrounding transaction ends: a second caller waits and gets the next
    number, and a transaction that fails returns its number.
    """
    with transaction.atomic():
        ClusterCount.objects.get_or_create(owner=owner)
        row = ClusterCount.objects.filter(owner=owner)
        row.update(last=F("last") + 1)
        return handle_of_number(row.values_list("last", flat=True).get())


def handle_of_number(number: int) -> str:
    """Return the handle for a number: 7 gives `cluster-007`, 1234 gives `cluster-1234`."""
    return f"cluster-{number:03d}"


def is_handle(text: str) -> bool:
    """Return whether this is a well-formed handle; anything else never reaches the database."""
    return _HANDLE.fullmatch(text) is not None
