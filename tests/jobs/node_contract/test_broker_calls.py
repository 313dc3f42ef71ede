"""The bodies of calls to the broker: what a node sends is read back, and what is malformed is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.node_contract.boot_lines import BootStreamLine, PhaseMark
from jobs.node_contract.broker_calls import BootOutcome, Report, progress_body, read_progress, read_report
from jobs.node_contract.documents import InvalidDocument

LINES = [BootStreamLine(1, datetime(2026, 1, 2, tzinfo=UTC), "", PhaseMark.NOTE, "hello")]


def test_what_is_sent_is_read_back() -> None:
    assert read_progress(progress_body(LINES)) == LINES
    assert read_report(Report(BootOutcome.ERROR, "log", LINES).as_json()) == Report(
        BootOutcome.ERROR, "log", LINES
    )


def test_a_report_may_leave_out_its_log_and_lines() -> None:
    assert read_report({"outcome": "ok"}) == Report(BootOutcome.OK, "", [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"outcome": "fine"}, "bad_report"),
        ({"outcome": None}, "bad_report"),
        ({"log": 1}, "bad_report"),
        ({"lines": [1]}, "bad_lines"),
    ],
)
def test_a_malformed_report_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_report({**Report(BootOutcome.OK, "log").as_json(), **change})
    assert refused.value.reason == reason


def test_progress_without_lines_is_refused() -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_progress({})
    assert (refused.value.reason, refused.value.field) == ("bad_lines", "lines")
