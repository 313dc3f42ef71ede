"""Lines of an asciicast: whole characters, times that never go back, honest marks where something is missing."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sshgateway.recording.asciicast import Encoder, header


def events(text: str) -> list[list[object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_header_is_asciinemas_version_2() -> None:
    line = header(100, 30, datetime(2026, 4, 3, 3, 45, 58, tzinfo=UTC), 'head of "Wing flow"\n日本')
    assert line.endswith("\n")
    assert line.count("\n") == 1
    fields = json.loads(line)
    assert (fields["version"], fields["width"], fields["height"]) == (2, 100, 30)
    assert fields["timestamp"] == 1775187958
    assert fields["title"] == 'head of "Wing flow"\n日本'


@given(st.text('aé日😀\x1b\x00"\\\n', max_size=60), st.lists(st.integers(0, 9), max_size=12))
def test_text_cut_anywhere_comes_back_whole(text: str, cuts: list[int]) -> None:
    data, encoder, lines = text.encode(), Encoder(), ""
    for cut in cuts:
        lines += encoder.output(0.5, data[:cut])
        data = data[cut:]
    lines += encoder.output(0.5, data) + encoder.end(0.5)
    assert "".join(str(event[2]) for event in events(lines)) == text


@given(st.binary(max_size=60))
def test_any_bytes_make_readable_lines(data: bytes) -> None:
    encoder = Encoder()
    lines = encoder.output(0.0, data) + encoder.end(1.0)
    assert "".join(str(event[2]) for event in events(lines)) == data.decode("utf-8", "replace")


def test_times_never_go_back() -> None:
    encoder = Encoder()
    lines = encoder.output(2.0, b"a") + encoder.resize(1.0, 90, 20) + encoder.output(2.5, b"b")
    assert events(lines) == [[2.0, "o", "a"], [2.0, "r", "90x20"], [2.5, "o", "b"]]


def test_a_gap_is_marked_and_takes_half_a_character_with_it() -> None:
    encoder = Encoder()
    lines = encoder.output(1.0, "é".encode()[:1]) + encoder.gap(1.5, 4096) + encoder.output(2.0, b"x")
    assert events(lines) == [[1.5, "o", "\ufffd"], [1.5, "m", "4096 bytes are missing here"], [2.0, "o", "x"]]
