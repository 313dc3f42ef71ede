"""However slowly a node goes on answering, its time ends, and the error says so."""

import threading
from typing import Any

import pytest

from jobs.remote.time_limit import TransferTime, ended_when, limited
from sshgateway.ssh.errors import CommandTimedOut
from sshgateway.ssh.targets import Target
from tests.factories import public_key
from tests.waiting import LIMIT


class SlowConnection:
    """A connection whose calls wait until somebody closes it."""

    def __init__(self) -> None:
        self.target = Target("127.0.0.1", 22, "someone", (public_key(),), "head", "test:1", "head")
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()

    def answer(self) -> None:
        """Answer nothing until the connection is closed."""
        assert self.closed.wait(LIMIT), "nobody closed it"
        raise EOFError


def test_a_block_that_takes_too_long_is_ended() -> None:
    connection: Any = SlowConnection()
    with (
        pytest.raises(CommandTimedOut, match="Listing was not done within"),
        limited(connection, 0.05, "Listing"),
    ):
        connection.answer()


def test_other_errors_stay_what_they_are() -> None:
    connection: Any = SlowConnection()
    with pytest.raises(ZeroDivisionError), limited(connection, LIMIT, "Listing"):
        raise ZeroDivisionError
    assert not connection.closed.is_set()


def test_a_wait_ends_when_what_it_is_for_is_over() -> None:
    connection: Any = SlowConnection()
    over = threading.Event()
    over.set()
    with pytest.raises(EOFError), ended_when(connection, over.is_set, 0.01):
        connection.answer()


def test_a_slow_transfer_uses_up_its_time() -> None:
    connection: Any = SlowConnection()
    time_left = TransferTime(connection, seconds=0.05, bytes_per_second=1, check_seconds=0.01)
    with (
        time_left,
        pytest.raises(CommandTimedOut, match="sends files more slowly"),
        time_left.waiting(),
    ):
        connection.answer()


def test_bytes_that_arrive_give_more_time_and_our_own_time_is_free() -> None:
    connection: Any = SlowConnection()
    pause = threading.Event()
    time_left = TransferTime(connection, seconds=1.0, bytes_per_second=1000, check_seconds=0.01)
    with time_left:
        for _ in range(8):
            with time_left.waiting():
                pause.wait(0.15)
                time_left.received(1000)
        pause.wait(1.2)  # our storage
        with time_left.waiting():
            pass
    assert not connection.closed.is_set()
