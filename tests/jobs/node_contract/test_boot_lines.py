"""Lines of the boot stream: what is written is read back, and what is malformed is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.node_contract import boot_lines
from jobs.node_contract.boot_lines import BootStreamLine, PhaseMark, log_line, read_lines, split_text
from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.phases import Phase

AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
LINE = BootStreamLine(7, AT, Phase.DATA, PhaseMark.WAIT, "waiting")


def test_a_line_that_is_written_is_read_back() -> None:
    document = LINE.as_json()
    assert document["mark"] == "wait"
    assert read_lines([document]) == [LINE]


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 0},
        {"sequence": True},
        {"sequence": boot_lines.MAX_SEQUENCE + 1},
        {"at": "yesterday"},
        {"at": "1999-01-01T00:00:00+00:00"},
        {"phase": "lunch"},
        {"phase": None},
        {"mark": "done"},
        {"text": None},
        {"text": "x" * (boot_lines.MAX_TEXT_CHARACTERS + 1)},
    ],
)
def test_a_malformed_line_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_lines([{**LINE.as_json(), **change}])
    assert refused.value.reason == "bad_lines"


@pytest.mark.parametrize("value", [None, {}, ["line"], [LINE.as_json()] * 2, [LINE.as_json()] * 1001])
def test_a_malformed_message_is_refused(value: object) -> None:
    with pytest.raises(InvalidDocument):
        read_lines(value)


def test_what_databases_cannot_store_is_replaced() -> None:
    (line,) = read_lines([{**LINE.as_json(), "text": "a\0b\ud800c"}])
    assert line.text == "a\ufffdb\ufffdc"


def test_a_long_text_is_split_and_an_empty_one_is_kept() -> None:
    assert list(split_text("abcde", 2)) == ["ab", "cd", "e"]
    assert list(split_text("", 2)) == [""]


def test_the_log_has_time_phase_and_text() -> None:
    assert log_line(AT, "done", "data") == "[2026-01-02T03:04:05.678Z] data: done"
    assert log_line(AT, "hello") == "[2026-01-02T03:04:05.678Z] hello"
