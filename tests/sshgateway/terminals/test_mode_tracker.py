"""A terminal that gets the modes and then the rest of the output ends up as one that got all of it."""

import time
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sshgateway.terminals.mode_tracker import LONGEST_PENDING, LONGEST_TITLE, ModeTracker
from tests.sshgateway.terminals.reference_terminal import ReferenceTerminal

PRIVATE_MODES = (
    1,
    5,
    6,
    7,
    9,
    25,
    45,
    47,
    66,
    1000,
    1002,
    1003,
    1004,
    1006,
    1007,
    1015,
    1016,
    1047,
    1049,
    2004,
)
PIECES = [
    *(b"\x1b[?%d%c" % (mode, on) for mode in PRIVATE_MODES for on in b"hl"),
    b"\x1b[?1049;25;2004h", b"\x1b[?1000;1006l", b"\x1b[4h", b"\x1b[4;20l", b"\x1b[20h",
    b"\x1b=", b"\x1b>", b"\x1bc", b"\x1b[!p", b"\x1b[2;20r", b"\x1b[r", b"\x1b[5 q", b"\x1b[ q",
    b"\x1b(0", b"\x1b(B", b"\x1b)0", b"\x1b*A", b"\x1b(%5", b"\x0e", b"\x0f", b"\x1bn", b"\x1bo",
    b"\x1b[1m", b"\x1b[0m", b"\x1b[m", b"\x1b[31m", b"\x1b[1;38;5;208m", b"\x1b[38;2;1;2;3;1m", b"\x1b[39;22m",
    b"\x1b]0;title\x07", "\x1b]2;größer\x1b\\".encode(), b"\x1b]2;given up\x18", b"\x1b]8;;http://a.example/\x1b\\",
    b"\x1bP$q\x1b\\", b"\x1bPdata \x0e \x07 more\x1b\\", b"\x1b_hidden\x1b\\", b"\x1b^x\x9c\x1b\\", b"\x1bXsos\x18",
    b"\x1b[6n", b"\x1b[2J", b"\x1b[12;40H", b"\x1b[?", b"\x1b[", b"\x1b", b"\x1b]2;", b"\x1bP", b"\x1b(", b"\x1b[1",
    b"plain text\r\n", "größe 日本 🙂".encode(), b"\xe6\x97", b"\x80", b"h", b"l", b"m", b"0", b";", b"?", b"\\",
    b"\x07",
]  # fmt: skip
streams = st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join)


def after(*parts: bytes) -> dict[str, object]:
    """The state of a terminal that got these."""
    terminal = ReferenceTerminal()
    for part in parts:
        terminal.feed(part)
    return terminal.state()


def fed(*parts: bytes) -> ModeTracker:
    tracker = ModeTracker()
    for part in parts:
        tracker.feed(part)
    return tracker


@given(streams, streams, streams, st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=600, deadline=None)
def test_modes_and_the_rest_are_as_good_as_all_of_it(
    gone: bytes, kept: bytes, before: bytes, cuts: list[int]
) -> None:
    """`gone` in pieces cut anywhere; the client may have been in any state `before`."""
    complete = ReferenceTerminal()
    complete.feed(gone + kept)
    assume(not complete.unusual)
    ends = sorted({min(cut, len(gone)) for cut in cuts} | {0, len(gone)})
    tracker = fed(*(gone[begin:end] for begin, end in pairwise(ends)))
    # What a client showed before it came back: whole sequences, with a title that the tracker does not know of.
    before += b"\x18\x1b\\"
    expected, found = complete.state(), after(before, tracker.sequence(), kept)
    if tracker.sequence().count(b"\x1b]2;") == 0 and expected["title"] == b"":
        expected.pop("title"), found.pop("title")
    assert found == expected


@given(st.binary(max_size=600), st.integers(0, 600))
@settings(max_examples=500, deadline=None)
def test_any_bytes_cut_anywhere_give_the_same_modes(data: bytes, cut: int) -> None:
    assert fed(data[:cut], data[cut:]).sequence() == fed(data).sequence()


@pytest.mark.parametrize("text", ["é", "日", "🙂"])
def test_a_character_that_was_cut_is_whole_again(text: str) -> None:
    encoded = text.encode()
    for cut in range(1, len(encoded)):
        assert fed(b"before" + encoded[:cut]).sequence().endswith(encoded[:cut])
        assert not fed(encoded[:cut], encoded[cut:]).sequence().endswith(encoded[-1:])


def test_a_program_on_the_whole_screen_with_a_mouse() -> None:
    sequence = fed(
        b"$ vim\r\n\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002;1006h\x1b[?25l\x1b]2;vim\x07"
        + b"~\r\n" * 900
    )
    modes = sequence.sequence()
    for part in (
        b"\x1b[?1049h",
        b"\x1b[?1h",
        b"\x1b=",
        b"\x1b[?2004h",
        b"\x1b[?1002h",
        b"\x1b[?1006h",
        b"\x1b[?25l",
    ):
        assert part in modes
    assert b"\x1b]2;vim\x07" in modes


@pytest.mark.parametrize(
    "start", [b"\x1b]2;", b"\x1bP", b"\x1b[", b"\x1b_", b"\x1b(", b"\x1b]52;c;", b"\x1b "]
)
def test_a_sequence_without_an_end_takes_no_memory_and_little_time(start: bytes) -> None:
    tracker = ModeTracker()
    filling = b" " if start in (b"\x1b(", b"\x1b ") else b"1"
    started = time.process_time()
    tracker.feed(start)
    for _ in range(300):
        tracker.feed(filling * 32_768)
    assert time.process_time() - started < 2
    assert len(tracker.sequence()) < LONGEST_PENDING + 400
    kept = tracker.sequence()
    tracker.feed(b"\x1b\\\x1b[?2004h")
    assert after(kept, b"h\x07\x1b\\\x1b[?2004h")["private"] == {"2004": True}


def test_a_title_of_any_length_takes_bounded_memory() -> None:
    tracker = fed(b"\x1b]2;" + b"x" * (LONGEST_TITLE + 1) + b"\x07")
    assert len(tracker.sequence()) < 200
    for number in range(2000):
        tracker.feed(b"\x1b[?%dh\x1b[%dm\x1b(%c" % (number, number, 0x30 + number % 70))
    assert len(tracker.sequence()) < 600


def test_plain_output_costs_next_to_nothing() -> None:
    """A flood of text must not make the gateway slow: far below a microsecond for a line."""
    tracker, chunk = ModeTracker(), b"the quick brown fox jumps over the lazy dog\r\n" * 700
    started = time.process_time()
    for _ in range(1000):
        tracker.feed(chunk)
    assert time.process_time() - started < 0.5  # 31 MB


def test_coloured_output_costs_little() -> None:
    tracker, chunk = ModeTracker(), b"\x1b[38;2;10;20;30m\xe2\x96\x80\x1b[48;2;1;2;3m" * 1000
    started = time.process_time()
    for _ in range(200):
        tracker.feed(chunk)
    assert time.process_time() - started < 2.5  # 7 MB of nothing but colours


@pytest.mark.parametrize("piece", PIECES)
def test_a_sequence_cut_at_any_byte_counts_once(piece: bytes) -> None:
    rest = b"\x1b\\h\x07\x1b[?25l"
    for cut in range(len(piece) + 1):
        kept = piece[cut:] + rest
        found = after(fed(b"\x1b]2;before\x07", piece[:cut]).sequence(), kept)
        assert found == after(b"\x1b]2;before\x07" + piece, rest), cut
