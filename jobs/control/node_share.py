"""Each person's share of the worker's threads: a node that does not answer holds a few of them at most.

The counts are of this process. A worker runs its tasks in threads of one process, and with more workers everybody has
the same share of each. In memory, nothing has to expire when a worker is killed, and nothing has to be asked for.
"""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from enum import StrEnum

# Of the worker's 12 threads (docker-compose.yml, portal/embedded/processes.py): the others are left for passes that
# talk to no node.
TALKING_AT_ONCE = 9


class Talk(StrEnum):
    """What a pass does with a node."""

    CALL = "call"  # a question that is answered within seconds
    STOP = "stop"  # the same for a cluster that its owner terminates: it does not wait behind the others
    TRANSFER = "transfer"  # files, which may take long


PER_PERSON = {Talk.CALL: 3, Talk.STOP: 1, Talk.TRANSFER: 2}


class ShareUsedUp(Exception):
    """The owner's share of the threads is in use: come back soon. Nothing failed."""


class NodeShares:
    """Counts who talks to nodes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use: Counter[tuple[Hashable, Talk]] = Counter()

    @contextmanager
    def taken(self, person: Hashable, talk: Talk) -> Iterator[None]:
        """Hold one of the person's threads during the block. Raises ShareUsedUp, without waiting."""
        used = self._take(person, talk)
        try:
            yield
        finally:
            with self._lock:
                self._in_use[used] -= 1
                self._in_use += Counter()  # without those at zero

    def _take(self, person: Hashable, talk: Talk) -> tuple[Hashable, Talk]:
        """Take the first kind that is free: a stop may also use a call's."""
        kinds = (Talk.STOP, Talk.CALL) if talk == Talk.STOP else (talk,)
        with self._lock:
            for kind in kinds:
                if self._in_use[person, kind] < PER_PERSON[kind] and self._has_room():
                    self._in_use[person, kind] += 1
                    return person, kind
        raise ShareUsedUp(f"{person}: {talk}")

    def _has_room(self) -> bool:
        return self._in_use.total() < TALKING_AT_ONCE


SHARES = NodeShares()
