"""What is no definition at all is refused with a sentence: too long, binary, not TOML, absurdly deep, any fuzz."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.definitions import members
from jobs.definitions.problems import DefinitionInvalid
from jobs.definitions.reader import KEYS
from jobs.definitions.toml_text import MAX_DEFINITION_BYTES, decode
from tests.jobs.definitions.catalogue import CATALOGUE, HEAD, UNHURRIED, problems, read
from tests.jobs.definitions.test_lines import TREES, quoted, written


def refused(sent: bytes) -> str:
    with pytest.raises(DefinitionInvalid) as caught:
        decode(sent)
    [problem] = caught.value.problems
    return str(problem)


def test_ten_megabytes_are_refused() -> None:
    sentence = "The definition is longer than 256 kB, the most that is read."
    assert refused(b"x" * 10 * 1024 * 1024).startswith(sentence)
    assert problems("#" * 10 * 1024 * 1024)[0].startswith(sentence)


def test_as_much_as_is_allowed_is_read() -> None:
    assert problems(HEAD + "#" * (MAX_DEFINITION_BYTES - len(HEAD))) == []


def test_a_picture_is_refused() -> None:
    assert refused(b"x = 1\n\x89PNG\r\n\x1a\n\0\0") == (
        "line 2: this is not text in UTF-8. Save the file as UTF-8 and send it again."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The definition is empty. Begin with a sample."),
        (" \n\t\n", "The definition is empty. Begin with a sample."),
        ("a = 1\nb = '\0'", "line 2: there is a NUL byte here; a definition is plain text."),
        ("a = '\x1b[1m'", "line 1: there is the control character U+001B here; a definition is plain text."),
        ("a = '\ud800'", "line 1: there is the control character U+D800 here; a definition is plain text."),
        ("name = x", "line 1: this is not TOML: invalid value (column 8)."),
        ('a = 1\nname = "x', "line 2: this is not TOML: unterminated string."),
        ("a = 1\na = 2", "line 2: this is not TOML: cannot overwrite a value."),
        ('{"name": "x"}', "line 1: this is not TOML: invalid statement (column 1)."),
        ("a = " + "9" * 5000, "This is not TOML: a number has too many digits."),
        ("a = " + "[" * 100_000, "line 1: tables and lists are nested too deeply; at most 16 levels are read."),
        ("a" + ".a" * 100_000 + " = 1", "line 1: tables and lists are nested too deeply; at most 16 levels are read."),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_refused_with_its_line(text: str, sentence: str) -> None:
    assert problems(text) == [sentence]


def test_a_number_too_large_to_write_out_is_no_accident() -> None:
    [sentence] = problems(HEAD.replace("2", "0x" + "f" * 6000))
    assert sentence == (
        "line 2, hours: must be more than 0 and at most 48 hours, not a number of thousands of digits."
    )


IN_MEMBER = members.KEYS
WORDS = (
    st.sampled_from([*KEYS, *IN_MEMBER, "emerald", "onyx", "head", "compute", "on_error", "hold", "mesh.zip"])
    | st.sampled_from(
        ["=", "=", "[", "]", "[[", "]]", "{", "}", '"', "'", '"""', ".", ",", "\n", "\n", " ", "#"]
    )
    | st.sampled_from(["1", "-1", "1.5", "nan", "true", "2024-01-01", "\\", "\0"])
)


@UNHURRIED
@given(st.text() | st.lists(WORDS, max_size=60).map("".join) | st.lists(WORDS, max_size=60).map(" ".join))
def test_any_text_is_read_or_refused_with_sentences(text: str) -> None:
    assert all(sentence.strip() for sentence in problems(text))


@UNHURRIED
@given(st.binary())
def test_any_bytes_are_text_or_refused(sent: bytes) -> None:
    try:
        problems(decode(sent))
    except DefinitionInvalid as invalid:
        assert invalid.problems


ANY = TREES.map(lambda tree: written(tree, "")) | st.sampled_from(
    [
        "1",
        "-1",
        "0",
        "true",
        '""',
        '"x"',
        "[]",
        "{}",
        '["a", "a"]',
        "[[1]]",
        "inf",
        "1e400",
        "2024-01-01",
        "07:32:00",
    ]
)


@UNHURRIED
@given(st.dictionaries(st.sampled_from(KEYS), ANY), st.dictionaries(st.sampled_from(IN_MEMBER), ANY))
def test_anything_in_the_place_of_anything_is_read_or_refused(
    top: dict[str, str], member: dict[str, str]
) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in top.items())
    if "members" not in top:
        text += "[[members]]\n" + "".join(f"{key} = {value}\n" for key, value in member.items())
    found = problems(text)
    if not found:
        assert read(text).plan.members
    assert all("\n" not in sentence for sentence in found)


GOOD_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("head", "root")
)


@UNHURRIED
@given(
    st.dictionaries(GOOD_NAMES, st.integers(1, 12), max_size=4),
    st.sampled_from(["emerald", "onyx"]),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20),
)
def test_a_good_definition_keeps_what_it_says(groups: dict[str, int], core_type: str, text: str) -> None:
    made = "".join(
        f'[[members]]\nprefix = "{prefix}"\ncount = {count}\ncore_type = "{core_type}"\n'
        for prefix, count in groups.items()
    )
    found = read(f"{HEAD}{made}[data]\nnote = {quoted(text)}\n")
    names = [f"{prefix}-{number + 1}" for prefix, count in groups.items() for number in range(count)]
    assert [member.name for member in found.plan.members] == ["head", *names]
    assert found.plan.data == {"note": text}
    assert found.price_per_hour(CATALOGUE) > 0
