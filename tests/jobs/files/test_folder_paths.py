"""Paths as text and as bytes: every legal path survives, and none leads out of the folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.refusals import Refused
from jobs.remote.folder_paths import common_parent, is_inside, path_bytes, path_text

NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda raw: b"/" not in raw and b"\0" not in raw and raw not in (b".", b"..")
)


@given(st.lists(NAMES, min_size=1, max_size=5).map(b"/".join))
def test_every_legal_path_comes_back_as_its_bytes(raw: bytes) -> None:
    text = path_text(raw)
    text.encode()
    assert path_bytes(text) == raw


@given(
    st.lists(
        st.sampled_from([b"%", b"4", b"E9", b"\xe9", b"25", b"a", b"\xc3", b"\xa4"]), min_size=1, max_size=12
    )
)
def test_percent_signs_are_never_ambiguous(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    assert path_bytes(path_text(raw)) == raw


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["..", ".", "%2E%2E", "%2F", "/", "a", "%00"])).map("".join)
)
def test_no_text_leads_out_of_the_folder(text: str) -> None:
    try:
        raw = path_bytes(text)
    except Refused as error:
        assert error.reason == "path_invalid"
        return
    assert not raw.startswith(b"/") and b"\0" not in raw
    assert not {b"..", b"."} & set(raw.split(b"/"))


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "a/../b",
        "/etc/passwd",
        "a//b",
        "./a",
        "a/.",
        "%2E%2E/x",
        "a%2F..%2F..",
        "a%00b",
        "n" * 256,
        "a/" * 2500 + "a",
    ],
)
def test_what_is_no_path_in_the_folder_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        path_bytes(text)
    assert refused.value.reason == "path_invalid"


def test_a_plain_name_is_written_as_it_is() -> None:
    assert path_text("100% sure/ä.txt".encode()) == "100% sure/ä.txt"
    assert path_text(b"caf\xe9%41") == "caf%E9%2541"


def test_inside_means_below_or_the_folder_itself() -> None:
    assert is_inside(b"/a/b", b"/a") and is_inside(b"/a", b"/a") and is_inside(b"/a", b"/")
    assert not is_inside(b"/ab", b"/a")


def test_the_common_parent_of_what_was_chosen() -> None:
    assert common_parent([b"a/b/c", b"a/b/d/e"]) == b"a/b"
    assert common_parent([b"a", b"b/c"]) == b""
    assert common_parent([]) == b""
