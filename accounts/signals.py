"""Signals for the apps above, which accounts never imports."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.dispatch import Signal

# The keys, access rules or SSH switch of `owner` (a User) changed. Sent after commit.
access_changed = Signal()
# Somebody adds a user besides the first. Sent before it is checked whether that is allowed (`SingleUserMode`), so that
# whoever knows can still say.
adding_another_user = Signal()


def send_access_changed(owner: AbstractBaseUser) -> None:
    """Send `access_changed` when the transaction commits.

    A receiver that fails (Redis is unreachable) does not undo the change: the sweep finds it in the database later.
    """
    transaction.on_commit(lambda: access_changed.send(sender=type(owner), owner=owner), robust=True)
