"""News that travels up: received by the apps above, never imported from them."""

from django.dispatch import Signal

# Keys, rules or the SSH switch of `owner` (a User) changed. Sent after commit.
access_changed = Signal()
