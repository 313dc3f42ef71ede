"""The whole corpus: valid texts are parsed as `ssh-keygen -l` does, broken ones are refused with the right reason."""

from pathlib import Path

import pytest

from accounts.keys.key_refusals import KeyRefusalReason
from accounts.keys.public_keys import KeyRefused, parse
from tests.accounts.keys.key_corpus import corpus
from tests.accounts.keys.key_corpus.tools import listed

MESSAGES = {reason.value: reason.message for reason in KeyRefusalReason}
LEAST_VALID, LEAST_BROKEN = 60, 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="module")
def pairs(folder: Path) -> list[corpus.Pair]:
    return corpus.pairs(folder)


def test_valid_keys_are_read_as_ssh_keygen_reads_them(pairs: list[corpus.Pair]) -> None:
    found = list(corpus.valid(pairs))
    assert len({entry.text for entry in found}) >= LEAST_VALID
    for entry in found:
        key, said = parse(entry.text), listed(entry.line)
        assert said is not None, entry.name
        assert (key.type, key.bits, key.fingerprint) == (said.type, said.bits, said.fingerprint), entry.name
        assert listed(key.line) is not None, entry.name
        assert key.line.split()[:2] == entry.line.split()[:2], entry.name


def test_broken_keys_are_refused_each_for_its_reason(pairs: list[corpus.Pair], folder: Path) -> None:
    found = list(corpus.broken(pairs, folder))
    assert len({entry.text for entry in found}) >= LEAST_BROKEN
    wrong = []
    for entry in found:
        try:
            parse(entry.text)
            wrong.append(f"{entry.name}: accepted")
        except KeyRefused as refused:
            sentence = MESSAGES[entry.reason]
            if refused.reason != entry.reason or not refused.message.endswith(sentence):
                wrong.append(f"{entry.name}: {refused.reason} instead of {entry.reason}: {refused.message}")
    assert not wrong, "\n".join(wrong)
