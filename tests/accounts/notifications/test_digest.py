"""Which notifications share a mail (pure): none is lost, none is in two mails, urgent ones do not wait."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from accounts.notifications.backoff import MAIL_DELAYS, WEBHOOK_DELAYS, delay_after
from accounts.notifications.digest import BURST, LARGEST_DIGEST, Pending, groups_due

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


def pending(count: int, age: timedelta = timedelta(), urgent: bool = False) -> list[Pending]:
    return [Pending(number, NOW - age, urgent) for number in range(count)]


def test_few_go_alone_at_once() -> None:
    assert groups_due(pending(3), 0, NOW, WINDOW) == [[0], [1], [2]]


def test_a_burst_waits_and_goes_together() -> None:
    assert groups_due(pending(8), 0, NOW, WINDOW) == [[0], [1], [2], [3], [4]]
    assert groups_due(pending(8), BURST, NOW, WINDOW) == []
    assert groups_due(pending(8, WINDOW), BURST, NOW, WINDOW) == [list(range(8))]


def test_urgent_ones_do_not_wait() -> None:
    assert groups_due(pending(3, urgent=True), 100, NOW, WINDOW) == [[0], [1], [2]]


def test_no_window_no_digest() -> None:
    assert groups_due(pending(9), 0, NOW, timedelta()) == [[number] for number in range(9)]


@given(
    st.lists(st.tuples(st.integers(0, 3600), st.booleans()), max_size=200),
    st.integers(0, 20),
    st.sampled_from([timedelta(), WINDOW]),
)
def test_each_is_in_one_mail_at_most_and_old_ones_in_one(
    rows: list[tuple[int, bool]], recent: int, window: timedelta
) -> None:
    found = [
        Pending(number, NOW - timedelta(seconds=age), urgent) for number, (age, urgent) in enumerate(rows)
    ]
    groups = groups_due(found, recent, NOW, window)
    mailed = [number for group in groups for number in group]
    assert len(mailed) == len(set(mailed))
    assert all(1 <= len(group) <= LARGEST_DIGEST for group in groups)
    assert {row.id for row in found if row.is_urgent or NOW - row.at >= window} <= set(mailed)


@given(st.integers(1, 60), st.floats(0, 1))
def test_back_off_grows_and_ends(attempts: int, chance: float) -> None:
    for delays in (WEBHOOK_DELAYS, MAIL_DELAYS):
        delay = delay_after(attempts, delays, chance)
        assert (delay is None) == (attempts > len(delays))
        if delay is not None:
            assert delays[0] * 0.89 <= delay <= delays[-1] * 1.11
