"""docs/cluster-definitions.md names every key that is read, and every sample there is."""

import re
from pathlib import Path

import pytest

from jobs.context.context_plan import OnError
from jobs.definitions import members, reader
from jobs.definitions.samples import samples
from jobs.node_contract.phases import Phase
from tests.jobs.definitions.catalogue import read

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "cluster-definitions.md").read_text()


@pytest.mark.parametrize("word", [*reader.KEYS, *members.KEYS, "on_error", "at_least_percent", "hold_hours"])
def test_every_key_is_explained(word: str) -> None:
    assert re.search(rf"^\| [^|]*`\[?\[?(members\.)?{word}\]?\]?`", PAGE, re.MULTILINE)


@pytest.mark.parametrize("word", [*Phase, *OnError])
def test_every_word_is_named(word: str) -> None:
    assert f"`{word}`" in PAGE or f'`"{word}"`' in PAGE


def test_every_sample_is_explained_and_there() -> None:
    linked = set(re.findall(r"\(samples/([a-z-]+)\.toml\)", PAGE))
    assert linked == {sample.name for sample in samples()}
    assert all(len(sample.about) > 40 for sample in samples())


def test_the_first_example_is_a_complete_definition() -> None:
    [first] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert read(first).name == "trial"
