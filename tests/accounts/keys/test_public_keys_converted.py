"""RFC 4716 and PEM public keys become the one-line form, with a notice and the same fingerprint."""

from pathlib import Path

import pytest

from accounts.keys.public_keys import KeyRefused, parse
from tests.accounts.keys.key_corpus import blobs
from tests.accounts.keys.key_corpus.tools import listed, make_pair, public_line, run

KINDS = [("-t", "ed25519"), ("-t", "ecdsa", "-b", "256"), ("-t", "ecdsa", "-b", "521"), ("-t", "rsa")]


def fingerprint(pair: Path) -> str:
    said = listed(public_line(pair))
    assert said is not None
    return said.fingerprint


@pytest.mark.parametrize("options", [*KINDS, ("-t", "ecdsa", "-b", "384")], ids=" ".join)
def test_rfc4716_of_ssh_keygen(tmp_path: Path, options: tuple[str, ...]) -> None:
    pair = make_pair(tmp_path, *options)
    key = parse(run("ssh-keygen", "-e", "-f", f"{pair}.pub"))
    assert key.fingerprint == fingerprint(pair)
    assert "RFC 4716" in (key.notice or "")
    assert "converted by" in key.comment


@pytest.mark.parametrize("options", KINDS, ids=" ".join)
def test_rfc4716_of_puttygen(tmp_path: Path, options: tuple[str, ...]) -> None:
    pair = make_pair(tmp_path, *options, comment="alice at home")
    written = tmp_path / "saved"
    run("puttygen", pair, "-O", "public", "-o", written)
    key = parse(written.read_bytes())
    assert (key.fingerprint, key.comment) == (fingerprint(pair), "alice at home")


def test_openssh_line_of_puttygen(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "-t", "rsa")
    key = parse(run("puttygen", pair, "-L"))
    assert (key.fingerprint, key.notice) == (fingerprint(pair), None)


@pytest.mark.parametrize(
    "options", [("-t", "rsa"), ("-t", "ecdsa"), ("-t", "ecdsa", "-b", "521")], ids=" ".join
)
def test_pkcs8_of_ssh_keygen(tmp_path: Path, options: tuple[str, ...]) -> None:
    pair = make_pair(tmp_path, *options)
    key = parse(run("ssh-keygen", "-e", "-m", "PKCS8", "-f", f"{pair}.pub"))
    assert key.fingerprint == fingerprint(pair)
    assert "PKCS#8" in (key.notice or "")


def test_pkcs1_of_ssh_keygen(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "-t", "rsa")
    key = parse(run("ssh-keygen", "-e", "-m", "PEM", "-f", f"{pair}.pub"))
    assert key.fingerprint == fingerprint(pair)
    assert "PKCS#1" in (key.notice or "")


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        (("ED25519",), "ssh-ed25519"),
        (("EC", "-pkeyopt", "ec_paramgen_curve:P-384"), "ecdsa-sha2-nistp384"),
        (("RSA",), "ssh-rsa"),
    ],
)
def test_public_key_of_openssl(algorithm: tuple[str, ...], kind: str) -> None:
    private = run("openssl", "genpkey", "-algorithm", *algorithm)
    key = parse(run("openssl", "pkey", "-pubout", stdin=private).replace("\n", "\r\n"))
    assert key.type == kind
    said = listed(key.line)
    assert said is not None
    assert (said.fingerprint, said.bits) == (key.fingerprint, key.bits)


def test_security_key_in_rfc4716_stays_one() -> None:
    _, encoded, _ = blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519()).split()
    body = f'Comment: "a very \\\nlong one"\nx-thing: 1\n{encoded[:70]}\n{encoded[70:]}'
    key = parse(f"---- BEGIN SSH2 PUBLIC KEY ----\n{body}\n---- END SSH2 PUBLIC KEY ----\n")
    assert (key.blob, key.comment) == (blobs.sk_ed25519(), "a very long one")


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        (("EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "unknown_curve"),
        (("ED448",), "unknown_type"),
        (("X25519",), "unknown_type"),
        (("RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "rsa_too_short"),
    ],
)
def test_other_keys_of_openssl_are_refused(algorithm: tuple[str, ...], reason: str) -> None:
    private = run("openssl", "genpkey", "-algorithm", *algorithm)
    with pytest.raises(KeyRefused) as refused:
        parse(run("openssl", "pkey", "-pubout", stdin=private))
    assert refused.value.reason == reason


def pem(body: str, name: str = "PUBLIC KEY") -> str:
    return f"-----BEGIN {name}-----\n{body}\n-----END {name}-----\n"


def rfc4716(comment: str) -> str:
    encoded = blobs.line("ssh-ed25519", blobs.ed25519()).split()[1]
    return f"---- BEGIN SSH2 PUBLIC KEY ----\nComment: {comment}\n{encoded}\n---- END SSH2 PUBLIC KEY ----"


SPKI = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (pem(SPKI).rsplit("-----END", 1)[0], "cut_off"),
        (pem(SPKI[:40]), "cut_off"),
        (pem(""), "cut_off"),
        (pem("AAAA" + SPKI), "malformed"),
        (pem(SPKI.replace("MCow", "MCkw")), "trailing_bytes"),
        (pem(SPKI.replace("MCow", "MCsw")), "cut_off"),
        (pem("not base64!"), "bad_base64"),
        (pem(SPKI.rstrip("=")), "bad_base64"),
        (pem(SPKI, "RSA PUBLIC KEY"), "malformed"),
        (pem(SPKI, "SSH2 PUBLIC KEY").replace("-----", "----"), "cut_off"),
        (pem(SPKI, "FANCY PUBLIC KEY"), "unknown_form"),
        (pem(SPKI, "DSA PUBLIC KEY"), "dsa_key"),
        (pem(SPKI, "CERTIFICATE"), "x509_certificate"),
        (pem(SPKI, "PGP PUBLIC KEY BLOCK"), "pgp_key"),
        (pem(SPKI) + "more", "line_break"),
        (rfc4716("ssh-rsa A\\\nAAAB3"), "several_keys"),
        (rfc4716("-----BEGIN PRI\\\nVATE KEY-----"), "private_key"),
        (rfc4716("x\\"), "cut_off"),
        (pem(SPKI) + pem(SPKI), "several_keys"),
    ],
)
def test_broken_blocks_are_refused(text: str, reason: str) -> None:
    assert parse(pem(SPKI)).bits == 256
    with pytest.raises(KeyRefused) as refused:
        parse(text)
    assert refused.value.reason == reason
