"""Which notifications go into one mail, and when. Pure.

Mostly each has a mail of its own, at once. In a burst, when a person had BURST mails within the window, the others wait
until the first of them has waited as long as the window, and go together. Urgent ones neither wait nor count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

BURST = 5
LARGEST_DIGEST = 50


@dataclass(frozen=True)
class Pending:
    """A notification that is to be mailed."""

    id: int
    at: datetime
    is_urgent: bool = False


def groups_due(
    pending: Sequence[Pending], recent_mails: int, now: datetime, window: timedelta
) -> list[list[int]]:
    """Return the ids of what is to be mailed now, each list in one mail. `recent_mails`: made within the window.

    A window of zero means that there are no digests.
    """
    alone = [[row.id] for row in pending if row.is_urgent or not window]
    others = [] if not window else [row for row in pending if not row.is_urgent]
    free = max(0, BURST - recent_mails)
    alone += [[row.id] for row in others[:free]]
    waiting = others[free:]
    if not waiting or now - min(row.at for row in waiting) < window:
        return alone
    ids = [row.id for row in waiting]
    return alone + [ids[i : i + LARGEST_DIGEST] for i in range(0, len(ids), LARGEST_DIGEST)]
