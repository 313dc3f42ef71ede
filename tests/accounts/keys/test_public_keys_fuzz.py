"""For any input, `parse` returns a key that OpenSSH accepts too, or raises KeyRefused."""

import base64

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.keys.public_keys import KeyRefused, PublicKey, parse
from tests.accounts.keys.key_corpus import blobs
from tests.accounts.keys.key_corpus.tools import listed

SPKI = "MCowBQYDK2VwAyEAd1qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
PEM = f"-----BEGIN PUBLIC KEY-----\n{SPKI}\n-----END PUBLIC KEY-----"
BODY = "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8C\nGmj3B1Ea"
RFC4716 = f'---- BEGIN SSH2 PUBLIC KEY ----\nComment: "x"\n{BODY}\n---- END SSH2 PUBLIC KEY ----'
LINES = [
    blobs.line("ssh-ed25519", blobs.ed25519()),
    blobs.line("ssh-rsa", blobs.rsa()),
    blobs.line("ecdsa-sha2-nistp256", blobs.ecdsa()),
    blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519()),
    blobs.line("sk-ecdsa-sha2-nistp256@openssh.com", blobs.sk_ecdsa()),
    PEM,
    RFC4716,
]
PIECES = [
    *LINES,
    "\n",
    "\r\n",
    " ",
    "\x00",
    "=",
    "AAAA",
    "ssh-rsa ",
    "-----BEGIN ",
    "-----",
    "PRIVATE KEY",
    "command=",
    "\ufeff",
]


def attempt(text: str | bytes) -> PublicKey | None:
    """Parse, and check everything that needs no other program."""
    try:
        key = parse(text)
    except KeyRefused:
        return None
    assert key.line.isprintable() or not key.comment.isascii()
    assert "\n" not in key.line
    kind, encoded, *_ = key.line.split(" ")
    assert kind == key.type
    assert base64.b64decode(encoded, validate=True) == key.blob
    again = parse(key.line)
    assert (again.line, again.blob, again.bits) == (key.line, key.blob, key.bits)
    return key


def test_the_starting_points_are_keys() -> None:
    assert all(attempt(line) for line in LINES)


def agrees(key: PublicKey) -> None:
    """ssh-keygen reads the same key from the saved line."""
    said = listed(f"{key.type} {base64.b64encode(key.blob).decode()}")
    assert said is not None
    assert (said.bits, said.fingerprint, said.type) == (key.bits, key.fingerprint, key.type)


@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
@example(PEM)
@example(RFC4716)
@example("\u2028")
@example(b"\xff\xfe")
@example(b"\xfe\xff\xd8")
@settings(max_examples=300, deadline=None)
def test_any_text(text: str | bytes) -> None:
    attempt(text)


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=8).map("".join))
@settings(max_examples=300, deadline=None)
def test_pieces_put_together(text: str) -> None:
    attempt(text)


@given(
    st.sampled_from(LINES),
    st.integers(min_value=0),
    st.integers(min_value=0, max_value=6),
    st.text(max_size=6),
)
@settings(max_examples=400, deadline=None)
def test_a_key_with_a_change_in_its_text(line: str, at: int, removed: int, put: str) -> None:
    at %= len(line) + 1
    attempt(line[:at] + put + line[at + removed :])


@given(st.sampled_from(LINES[:5]), st.integers(min_value=0), st.integers(0, 5), st.binary(max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_key_with_a_change_in_its_blob(line: str, at: int, removed: int, put: bytes) -> None:
    kind, encoded, _ = line.split()
    blob = base64.b64decode(encoded)
    at %= len(blob) + 1
    changed = blob[:at] + put + blob[at + removed :]
    key = attempt(blobs.line(kind, changed))
    if key is not None:
        assert key.blob == changed
        agrees(key)
