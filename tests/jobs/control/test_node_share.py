"""One person's nodes hold few threads; the others' and those for a Terminate stay free."""

from contextlib import ExitStack
from threading import Barrier, Thread

import pytest

from jobs.control.node_share import PER_PERSON, TALKING_AT_ONCE, NodeShares, ShareUsedUp, Talk
from tests.waiting import LIMIT


def fill(shares: NodeShares, held: ExitStack, person: str, talk: Talk) -> int:
    """Take all that a person can get; return how many."""
    count = 0
    while True:
        try:
            held.enter_context(shares.taken(person, talk))
        except ShareUsedUp:
            return count
        count += 1


@pytest.mark.parametrize("talk", [Talk.CALL, Talk.TRANSFER])
def test_a_person_has_a_share_and_others_theirs(talk: Talk) -> None:
    shares = NodeShares()
    with ExitStack() as held:
        assert fill(shares, held, "mallory", talk) == PER_PERSON[talk]
        assert fill(shares, held, "olga", talk) == PER_PERSON[talk]


def test_what_was_taken_is_given_back_whatever_happened() -> None:
    shares = NodeShares()
    for _ in range(TALKING_AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError), shares.taken("mallory", Talk.CALL):
            raise ZeroDivisionError
    with ExitStack() as held:
        assert fill(shares, held, "mallory", Talk.CALL) == PER_PERSON[Talk.CALL]


def test_a_terminate_does_not_wait_behind_the_persons_other_nodes() -> None:
    shares = NodeShares()
    with ExitStack() as held:
        fill(shares, held, "mallory", Talk.CALL)
        fill(shares, held, "mallory", Talk.TRANSFER)
        assert fill(shares, held, "mallory", Talk.STOP) == PER_PERSON[Talk.STOP]


def test_many_persons_together_leave_threads_for_passes_without_nodes() -> None:
    shares = NodeShares()
    with ExitStack() as held:
        taken = sum(fill(shares, held, f"person {n}", talk) for n in range(20) for talk in Talk)
    assert taken == TALKING_AT_ONCE


def test_many_threads_at_once_get_no_more_than_the_share() -> None:
    shares, barrier, got = NodeShares(), Barrier(12), []

    def attempt() -> None:
        barrier.wait(LIMIT)
        try:
            with shares.taken("mallory", Talk.CALL):
                got.append(True)
                barrier.wait(LIMIT)
        except ShareUsedUp:
            barrier.wait(LIMIT)

    threads = [Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(got) == PER_PERSON[Talk.CALL]
