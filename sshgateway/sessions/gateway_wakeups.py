"""Tell gateway processes to read the rows of some sessions now.

The message may be lost: every gateway also reads its rows every few seconds.
"""

from collections.abc import Iterable

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from sshgateway.models import TerminalSession

# The channel-layer group that every gateway process listens to.
GATEWAY_GROUP = "terminals"


def wake_gateways_on_commit(sessions: Iterable[TerminalSession]) -> None:
    """Call `wake_gateways` when the transaction commits. A failure is logged and harms nothing."""
    waiting = list(sessions)
    transaction.on_commit(lambda: wake_gateways(waiting), robust=True)


def wake_gateways(sessions: list[TerminalSession]) -> None:
    """Have the gateways that hold these sessions read their rows."""
    layer = get_channel_layer()
    if layer is None or not sessions:
        return
    message = {"type": "terminal.bell", "sessions": [session.pk for session in sessions]}
    async_to_sync(layer.group_send)(GATEWAY_GROUP, message)
