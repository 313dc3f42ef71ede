"""Any bytes from a node are an object within the bounds, or a RemoteFailed; never anything else."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.remote.answer import (
    MAX_ANSWER_BYTES,
    MAX_DEPTH,
    RemoteFailed,
    new_marker,
    parse_answer,
    parse_object,
)
from jobs.remote.command_runner import CommandStatus, status_of_answer

MARKER = "headnode-0123456789abcdef:"
STATE = b'{"state": "running"}'


def between(body: bytes) -> bytes:
    return MARKER.encode() + body + MARKER.encode()


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


def strings_of(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in strings_of(each)]
    return [text for each in value for text in strings_of(each)] if isinstance(value, list) else []


def check(stdout: bytes) -> None:
    """Parse, and check what the parser promises of the value."""
    try:
        value = parse_answer(stdout, MARKER, 0, stdout[:50])
    except RemoteFailed as failed:
        str(failed).encode()
        assert "\0" not in str(failed)
        return
    assert isinstance(value["state"], str)
    assert depth_of(value) <= MAX_DEPTH
    for text in strings_of(value):
        text.encode()
        assert "\0" not in text
    assert isinstance(status_of_answer(value), CommandStatus)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
)
FIELDS = st.sampled_from(["state", "log", "exit_code", "why", "offset", "size", "files"])


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"state": "x", "size": ' + b"9" * 100_000 + b"}")
@example(b'{"state": "\\ud800\\u0000"}')
@example(b'{"state": "x", "\\udfff": 1}')
@example(b'{"state": "x", "size": 1e999, "offset": NaN}')
@example(b"\xff\xfe{\x00}\x00")
@example(b'{"state": ["ended"]}')
def test_any_bytes_between_the_markers(body: bytes) -> None:
    check(between(body))
    parse_object(body)


@given(st.binary())
@example(MARKER.encode())
@example(MARKER.encode() * 2)
@example(MARKER.encode() * 5)
def test_any_bytes_without_them(stdout: bytes) -> None:
    check(stdout)


@given(st.dictionaries(FIELDS, JSON))
def test_any_json_in_the_fields_of_a_status(fields: dict[str, Any]) -> None:
    check(between(json.dumps(fields).encode()))


@given(st.binary(), st.binary())
def test_what_start_up_files_print_around_it_is_ignored(before: bytes, later: bytes) -> None:
    assert parse_answer(before + between(STATE) + later, MARKER) == {"state": "running"}


@pytest.mark.parametrize(
    ("stdout", "why"),
    [
        (b"hi\n" + STATE, "no complete answer"),
        (MARKER.encode() + STATE, "no complete answer"),
        (between(b"[1]"), "not an object with a state"),
        (between(b'{"state": 1}'), "not an object with a state"),
        (between(b'{"state": "x", "deep": ' + b"[" * 9 + b"]" * 9 + b"}"), "nested too deeply"),
        (between(b" " * (MAX_ANSWER_BYTES + 1)), "more than"),
    ],
)
def test_what_is_no_answer_says_why(stdout: bytes, why: str) -> None:
    with pytest.raises(RemoteFailed, match=why):
        parse_answer(stdout, MARKER)


def test_the_end_of_the_error_output_is_shown() -> None:
    with pytest.raises(RemoteFailed) as failed:
        parse_answer(b"", MARKER, 1, b"x" * 10_000 + b"\0bash: python3: not found")
    assert str(failed.value).endswith("bash: python3: not found")
    assert len(failed.value.stderr) == 2000
    assert "exit status 1" in str(failed.value)


def test_no_two_calls_have_one_marker() -> None:
    assert new_marker() != new_marker()
