"""Every key of a TOML text is found on the line it stands on."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.definitions.key_lines import MAX_DEPTH, locate_keys
from tests.jobs.definitions.catalogue import UNHURRIED

TEXT = '''\
# a comment with = and [brackets]
name = "a # b = c"

[[members]]
name = "head" # [[not]]
scripts.data = """
[inside]
x = 1
"""
[[members]]
provides = [
    "one",  # ]
    "two", 'th]ree',
]
[members.scripts]
"quoted \\"key" = \'\'\'
y = 2\'\'\'
[ data . deep ]
z = { a = 1, "b" = [ { c = 2 },
  {c = 3} ] }
when = 1979-05-27 07:32:00
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("members",), 4),
        (("members", 0), 4),
        (("members", 0, "name"), 5),
        (("members", 0, "scripts", "data"), 6),
        (("members", 1), 10),
        (("members", 1, "provides"), 11),
        (("members", 1, "provides", 0), 12),
        (("members", 1, "provides", 2), 13),
        (("members", 1, "scripts"), 15),
        (("members", 1, "scripts", 'quoted "key'), 16),
        (("data",), 18),
        (("data", "deep", "z", "b", 1, "c"), 20),
        (("data", "deep", "when"), 21),
    ],
)
def test_a_key_is_found_on_its_line(path: tuple[Any, ...], line: int) -> None:
    assert locate_keys(TEXT).by_path[path] == line


def test_what_only_looks_like_a_key_is_none() -> None:
    found = locate_keys(TEXT).by_path
    assert not [path for path in found if path[-1] in ("x", "y", "inside", "not")]


@pytest.mark.parametrize("rest", ["= 1", "[b\nc = 1", "b = [1,\n", 'b = """', "b = '", "b"])
def test_a_text_that_is_no_toml_is_walked_as_far_as_it_goes(rest: str) -> None:
    assert locate_keys(f"\na = 1\n{rest}").by_path[("a",)] == 2


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\na = " + "[" * 50_000,
        "x = 1\na" + ".a" * 50_000 + " = 1",
        "x = 1\na = " + "{a = " * 30_000,
        "x = 1\n[" + "a." * 30_000 + "a]",
    ],
)
def test_what_nests_too_deeply_is_told_with_its_line(text: str) -> None:
    assert locate_keys(text).too_deep == 2


def test_as_deep_as_people_write_is_fine() -> None:
    deep = "a = " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert locate_keys(deep).too_deep is None


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=6) | st.sampled_from(
    ["a", "b", "a-b", "1", '"', "'", "\\", "#", "="]
)
STRINGS = st.text(st.characters(codec="utf-8"), max_size=12)
LEAVES = STRINGS | st.integers(-99, 99) | st.booleans()
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def written(value: Any, gap: str) -> str:
    """A value as TOML; `gap` stands wherever white space may."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(inner, '')}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + gap + ("," + gap).join(written(inner, gap) for inner in value) + gap + "]"
    if isinstance(value, str):
        plain = all(c == "\n" or (ord(c) >= 32 and ord(c) != 127) for c in value)
        return f"'''\n{value}'''" if plain and "'" not in value else quoted(value)
    return json.dumps(value)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08X}" for character in text) + '"'


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths(inner, (*path, key))
    return found


@UNHURRIED
@given(tree=TREES, gap=st.sampled_from(["", " ", "\n", " # ]\n", "\n\n\t"]))
def test_every_key_python_reads_is_found_where_it_was_written(tree: dict[str, Any], gap: str) -> None:
    text, lines = "", {}
    for key, value in tree.items():
        text += gap.replace("]", "=") if "\n" in gap else ""
        lines[(key,)] = text.count("\n") + 1
        text += f"{quoted(key)} = {written(value, gap)}\n"
    values = tomllib.loads(text)
    found = locate_keys(text).by_path
    assert set(found) == set(paths(values))
    assert {path: found[path] for path in lines} == lines


@UNHURRIED
@given(st.text() | st.text(st.sampled_from("a=[]{}\"'#\n.,\\ 1")))
def test_any_text_is_walked_without_an_error(text: str) -> None:
    locate_keys(text)
