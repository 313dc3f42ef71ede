"""Names of files are kept byte for byte, shown in one line, and said in a header as RFC 6266 wants it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.storage import file_names
from tests.downloads import name_in_header

NAMES = st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & set(name))


@given(NAMES)
def test_the_bytes_of_every_name_come_back(raw: bytes) -> None:
    text, is_escaped = file_names.to_text(raw)
    assert file_names.to_bytes(text, is_escaped) == raw
    assert text.encode()


@given(NAMES)
def test_a_name_in_a_sentence_stays_in_its_line(raw: bytes) -> None:
    shown = file_names.shown_bytes(raw)
    assert len(shown.splitlines()) == 1
    assert all(character.isprintable() or character == "\u3000" for character in shown)


@given(NAMES)
def test_a_download_has_exactly_this_name(raw: bytes) -> None:
    name, _ = file_names.to_text(raw)
    header = file_names.attachment_header(name)
    assert header.isascii()
    assert header.isprintable()
    assert name_in_header(header) == name


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("結果　最終.dat".encode(), "結果　最終.dat"),
        (b"two\nlines", "two\nlines"),
        (b"50%FF", "50%FF"),
        (b"50%\xff", "50%25%FF"),
    ],
)
def test_a_name_is_the_text_that_it_is(raw: bytes, text: str) -> None:
    assert file_names.to_text(raw) == (text, b"\xff" in raw)


def test_a_header_for_old_programs_has_no_quotes_to_escape() -> None:
    assert file_names.attachment_header("case.zip") == 'attachment; filename="case.zip"'
    assert file_names.attachment_header('a"b\\c.txt').startswith(
        'attachment; filename="a_b_c.txt"; filename*='
    )
