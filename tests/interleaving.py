"""Do something at one exact point between two queries of a test's thread: a race that is played, not hoped for.

On SQLite one transaction excludes the other, so a lock that is missing shows on PostgreSQL only (`make test-postgres`).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from tests.waiting import LIMIT

# How long a thread that must wait for a lock is given to show that it does not wait.
SHOWN_SECONDS = 1.0


@contextmanager
def before_query(chosen: Callable[[str], bool], act: Callable[[], object]) -> Iterator[list[str]]:
    """Run `act` once, just before this thread sends the first query that `chosen` picks by its SQL.

    Yields a list that holds the query once it has happened.
    """
    happened: list[str] = []

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not happened and chosen(sql):
            happened.append(sql)
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield happened


class Rival:
    """Another thread, with a connection of its own, that does one thing. Failures are raised by `finish`."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._act()
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()

    def start(self) -> None:
        """Let it act, until it is done or evidently waits for a lock."""
        self._thread.start()
        self._thread.join(SHOWN_SECONDS)

    def finish(self) -> None:
        """Wait for its end."""
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
