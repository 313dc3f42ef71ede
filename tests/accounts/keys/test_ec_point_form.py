"""An ECDSA key is an uncompressed point, as OpenSSH wants it; compressed and hybrid forms are refused."""

import pytest

from accounts.keys.key_blob import examine
from accounts.keys.key_refusals import KeyRefused
from tests.accounts.keys.key_corpus.blobs import P256_GENERATOR, ecdsa, sk_ecdsa


def test_the_uncompressed_form_is_accepted() -> None:
    assert P256_GENERATOR[0] == 4
    assert examine(ecdsa()) == ("ecdsa-sha2-nistp256", 256)


@pytest.mark.parametrize("first", [0, 1, 2, 3, 5, 6, 7, 0x84])
def test_a_point_of_the_right_length_that_says_another_form_is_refused(first: int) -> None:
    """6 and 7 are the hybrid form: the same point, with its parity said twice."""
    for blob in (ecdsa, sk_ecdsa):
        with pytest.raises(KeyRefused) as refusal:
            examine(blob(point=bytes([first]) + P256_GENERATOR[1:]))
        assert refusal.value.reason == "wrong_length"


def test_the_compressed_form_is_refused() -> None:
    for first in (2, 3):
        with pytest.raises(KeyRefused) as refusal:
            examine(ecdsa(point=bytes([first]) + P256_GENERATOR[1:33]))
        assert refusal.value.reason == "wrong_length"
