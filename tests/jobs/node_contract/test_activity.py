"""A report of activity is bounded and usable, whatever a node says."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs.node_contract.activity import (
    MAX_KEY,
    MAX_PROGRAM,
    MAX_ROWS,
    SessionKind,
    SessionReport,
    TerminalReport,
    parse_activity,
)

GOOD: dict[str, Any] = {
    "state": "measured",
    "clock": 10.5,
    "processor": 3,
    "terminals": [[720.0, ""], [3, "sleep"]],
    "sessions": [["7.1", "transfer", "scp", 900]],
    "tunnels": [["10.0.0.9.5", 70]],
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def test_a_good_report_is_read() -> None:
    report = parse_activity(GOOD)
    assert report is not None
    assert report.terminals == (TerminalReport(720.0), TerminalReport(3.0, "sleep"))
    assert report.sessions == (SessionReport("7.1", SessionKind.TRANSFER, "scp", 900.0),)
    assert report.tunnels == (("10.0.0.9.5", 70.0),)


def test_a_flood_of_rows_is_cut() -> None:
    flood = {
        **GOOD,
        "sessions": [["k" * 999, "program", "p" * 999, 1]] * 9_999,
        "terminals": [[1, "x"]] * 9_999,
    }
    report = parse_activity(flood)
    assert report is not None
    assert len(report.sessions) == len(report.terminals) == MAX_ROWS
    assert len(report.sessions[0].key) == MAX_KEY
    assert len(report.sessions[0].program) == MAX_PROGRAM


def test_numbers_that_are_none_are_refused() -> None:
    for bad in (None, True, -1, float("nan"), float("inf"), 10**400, "7", [7]):
        assert parse_activity({**GOOD, "clock": bad}) is None
        report = parse_activity({**GOOD, "terminals": [[bad, "x"]]})
        assert report is not None
        assert report.terminals == ()


@given(
    answer=st.fixed_dictionaries(
        {
            "state": st.just("measured"),
            "clock": st.just(1) | anything,
            "processor": st.just(1) | anything,
            "terminals": st.lists(st.lists(anything, min_size=2, max_size=2), max_size=3) | anything,
            "sessions": st.lists(st.lists(anything, min_size=4, max_size=4), max_size=3) | anything,
            "tunnels": st.lists(st.lists(anything, min_size=2, max_size=2), max_size=3) | anything,
        }
    )
)
def test_nothing_a_node_says_breaks_the_portal(answer: dict[str, Any]) -> None:
    report = parse_activity(answer)
    if report is not None:
        texts = [row.program for rows in (report.terminals, report.sessions) for row in rows]
        assert all(text.isprintable() for text in texts)
        json.dumps([report.clock, report.processor], allow_nan=False)
