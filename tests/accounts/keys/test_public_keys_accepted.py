"""Keys of every accepted type are parsed as `ssh-keygen -l` does."""

from pathlib import Path

import pytest

from accounts.keys.public_keys import PublicKey, parse
from tests.accounts.keys.key_corpus import blobs
from tests.accounts.keys.key_corpus.tools import listed, make_pair, public_line


def assert_as_ssh_keygen_says(key: PublicKey) -> None:
    said = listed(key.line)
    assert said is not None
    assert (key.bits, key.fingerprint, key.type) == (said.bits, said.fingerprint, said.type)
    assert said.comment == (key.comment or "no comment")


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "384"),
        ("-t", "ecdsa", "-b", "521"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "rsa", "-b", "3072"),
    ],
    ids=" ".join,
)
def test_key_of_ssh_keygen(tmp_path: Path, options: tuple[str, ...]) -> None:
    line = public_line(make_pair(tmp_path, *options))
    key = parse(line)
    assert key.line == line.strip()
    assert (key.comment, key.notice) == ("alice@laptop", None)
    assert_as_ssh_keygen_says(key)


@pytest.mark.parametrize("_turn", range(12))
def test_many_small_keys_agree_with_ssh_keygen(tmp_path: Path, _turn: int) -> None:
    for kind in ("ed25519", "ecdsa"):
        assert_as_ssh_keygen_says(parse(public_line(make_pair(tmp_path, "-t", kind))))


@pytest.mark.parametrize(
    ("kind", "blob"),
    [
        ("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519()),
        ("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519(b"ssh:work")),
        ("sk-ecdsa-sha2-nistp256@openssh.com", blobs.sk_ecdsa()),
    ],
)
def test_security_key_is_kept_byte_for_byte(kind: str, blob: bytes) -> None:
    line = blobs.line(kind, blob)
    key = parse(line)
    assert (key.type, key.bits, key.blob, key.line) == (kind, 256, blob, line)
    assert_as_ssh_keygen_says(key)


@pytest.mark.parametrize("exponent", [3, 35, 37, 65537, 2**64 - 1])
def test_exponents_that_tools_use(exponent: int) -> None:
    assert parse(blobs.line("ssh-rsa", blobs.rsa(exponent=exponent))).bits == 2048


@pytest.mark.parametrize("bits", [2048, 2049, 4096, 16384])
def test_rsa_sizes(bits: int) -> None:
    key = parse(blobs.line("ssh-rsa", blobs.rsa(bits)))
    assert key.bits == bits
    assert_as_ssh_keygen_says(key)


LINE = blobs.line("ssh-ed25519", blobs.ed25519())


@pytest.mark.parametrize(
    "text",
    [
        f"  {LINE}  ",
        f"\n\n{LINE}\r\n",
        f"\ufeff{LINE}",
        LINE.encode(),
        b"\xef\xbb\xbf" + LINE.encode(),
        LINE.encode("utf-16"),
        LINE.replace(" ", "\t"),
        LINE.replace(" ", "\u00a0"),
        f"# my key\n\n{LINE}\n",
    ],
)
def test_surroundings_are_tolerated(text: str | bytes) -> None:
    assert parse(text).line == LINE


@pytest.mark.parametrize("comment", ["", "a b  c", "山田のノート", "Ünïcode", "x" * 300, "from=home"])
def test_comment_is_kept(comment: str) -> None:
    key = parse(blobs.line("ssh-ed25519", blobs.ed25519(), comment))
    assert key.comment == comment
    assert key.line == blobs.line("ssh-ed25519", blobs.ed25519(), comment).rstrip()


@pytest.mark.parametrize("width", [64, 72, 76, 80])
def test_line_broken_by_a_mail_program_is_joined(width: int) -> None:
    line = blobs.line("ssh-rsa", blobs.rsa(), "alice")
    broken = "\n".join(line[at : at + width] for at in range(0, len(line), width))
    key = parse(broken)
    assert key.line == line
    assert "joined" in (key.notice or "")


KINDS = [
    blobs.line("ssh-ed25519", blobs.ed25519()),
    blobs.line("ssh-ed25519", blobs.ed25519(), "alice.of-the-long-name@her-laptop.example.org"),
    blobs.line("ssh-rsa", blobs.rsa()),
    blobs.line("ssh-rsa", blobs.rsa(4096), "a b"),
    blobs.line("ecdsa-sha2-nistp256", blobs.ecdsa()),
    blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519(), "alice@a-laptop-of-hers"),
    blobs.line("sk-ecdsa-sha2-nistp256@openssh.com", blobs.sk_ecdsa(), ""),
]


def selected_in_terminal(line: str, width: int, end: str) -> str:
    """Return what is copied from a terminal of that many columns: blanks at the ends of its rows may get lost."""
    rows = [line[at : at + width] for at in range(0, len(line), width)]
    return end.join(row.rstrip() for row in rows) + end


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\n  "], ids=repr)
@pytest.mark.parametrize("width", [80, 100, 120, 132, 200])
@pytest.mark.parametrize("line", KINDS, ids=[line.split()[0] for line in KINDS])
def test_key_copied_from_a_terminal_is_joined(line: str, width: int, end: str) -> None:
    key = parse(selected_in_terminal(line, width, end))
    assert key.line == line.rstrip()
    assert ("joined" in (key.notice or "")) == (len(line.rstrip()) > width)


@pytest.mark.parametrize("blank", [" ", "  ", "\t", "\u00a0", "\n", "\n\n", "\r\n "], ids=repr)
@pytest.mark.parametrize("line", KINDS, ids=[line.split()[0] for line in KINDS])
def test_key_with_blanks_or_line_ends_at_any_place_is_joined(line: str, blank: str) -> None:
    kind, encoded, *comment = line.rstrip().split(" ", 2)
    for width in (1, 7, 20, 64, 67):
        if width < len(encoded):
            parts = [encoded[at : at + width] for at in range(0, len(encoded), width)]
            key = parse(" ".join([kind, blank.join(parts), *comment]))
            assert key.line == line.rstrip()
            assert "joined" in (key.notice or "")


@pytest.mark.parametrize("line", KINDS, ids=[line.split()[0] for line in KINDS])
def test_key_broken_once_anywhere_is_joined(line: str) -> None:
    kind, encoded, *_ = line.split()
    for at in range(1, len(encoded)):
        for blank in (" ", "\n"):
            assert parse(f"{kind} {encoded[:at]}{blank}{encoded[at:]} comment").comment == "comment"


def test_line_broken_after_the_type_is_joined() -> None:
    kind, encoded, comment = blobs.line("ssh-rsa", blobs.rsa(), "alice").split()
    rows = [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
    assert parse("\n".join([kind, *rows]) + f" {comment}").comment == "alice"
