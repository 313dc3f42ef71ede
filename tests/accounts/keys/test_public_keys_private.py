"""A private key is refused in every format, and no part of it is returned."""

import base64
import traceback
from pathlib import Path

import pytest

from accounts.keys.public_keys import KeyRefused, parse
from tests.accounts.keys.key_corpus import blobs
from tests.accounts.keys.key_corpus.tools import make_pair, public_line, run


def refusal(text: str | bytes) -> KeyRefused:
    with pytest.raises(KeyRefused) as refused:
        parse(text)
    return refused.value


def assert_refused_silently(text: str) -> None:
    """Check that the reason is private_key and that the exception contains no longer word of the text."""
    refused = refusal(text)
    assert refused.reason == "private_key"
    shown = f"{refused!s} {refused!r} {refused.args} {vars(refused)}"
    shown += "".join(traceback.format_exception_only(refused))
    secrets = [word for word in text.split() if len(word) > 15]
    assert secrets
    assert not [word for word in secrets if word in shown]
    assert refused.__context__ is None
    assert refused.__cause__ is None


@pytest.mark.parametrize(
    ("options", "passphrase"),
    [
        (("-t", "ed25519"), ""),
        (("-t", "ed25519"), "correct horse"),
        (("-t", "rsa"), ""),
        (("-t", "ecdsa"), ""),
        (("-t", "rsa", "-m", "PEM"), ""),
        (("-t", "rsa", "-m", "PEM"), "correct horse"),
        (("-t", "ecdsa", "-m", "PEM"), ""),
        (("-t", "rsa", "-m", "PKCS8"), ""),
        (("-t", "rsa", "-m", "PKCS8"), "correct horse"),
        (("-t", "ecdsa", "-m", "PKCS8"), ""),
    ],
)
def test_private_keys_of_ssh_keygen(tmp_path: Path, options: tuple[str, ...], passphrase: str) -> None:
    pair = make_pair(tmp_path, *options, passphrase=passphrase)
    text = pair.read_text()
    assert_refused_silently(text)
    assert_refused_silently(text.replace("\n", "\r\n"))
    assert_refused_silently("\ufeff" + text)
    assert_refused_silently(public_line(pair) + text)
    assert_refused_silently(text.replace("\n", " "))
    assert_refused_silently(text[: len(text) // 2])
    assert_refused_silently("\n".join(text.split("\n")[3:]))
    assert refusal(text.encode()).reason == "private_key"
    assert refusal(text.encode("utf-16")).reason == "private_key"
    assert refusal(text.encode("utf-16-le")).reason == "private_key"


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), ("-t", "rsa", "-m", "PKCS8"), ("-t", "ecdsa", "-m", "PKCS8")]
)
def test_private_key_without_its_first_and_last_line(
    tmp_path: Path, options: tuple[str, ...], passphrase: str
) -> None:
    body = make_pair(tmp_path, *options, passphrase=passphrase).read_text().strip().split("\n")[1:-1]
    assert_refused_silently("\n".join(body))
    assert_refused_silently("".join(body))


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_old_pem_without_its_first_and_last_line(tmp_path: Path, kind: str) -> None:
    body = make_pair(tmp_path, "-t", kind, "-m", "PEM").read_text().strip().split("\n")[1:-1]
    assert_refused_silently("\n".join(body))


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("rsa", "private"),
        ("rsa", "private-openssh"),
        ("rsa", "private-openssh-new"),
        ("rsa", "private-sshcom"),
        ("ecdsa", "private"),
        ("ed25519", "private-openssh-new"),
    ],
)
def test_private_keys_of_puttygen(tmp_path: Path, kind: str, form: str) -> None:
    pair = make_pair(tmp_path, "-t", kind)
    putty, written = tmp_path / "putty.ppk", tmp_path / "written"
    run("puttygen", pair, "-O", "private", "-o", putty)
    assert_refused_silently(putty.read_text())
    if form != "private":
        run("puttygen", putty, "-O", form, "-o", written)
        assert_refused_silently(written.read_text())


def test_putty_file_without_its_first_line(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "-t", "ed25519")
    written = tmp_path / "written.ppk"
    run("puttygen", pair, "-O", "private", "-o", written)
    assert_refused_silently(written.read_text().split("\n", 1)[1])


@pytest.mark.parametrize(
    "command",
    [
        ("genpkey", "-algorithm", "ED25519"),
        ("genpkey", "-algorithm", "RSA", "-aes256", "-pass", "pass:correct"),
        ("ecparam", "-name", "prime256v1", "-genkey"),
        ("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024"),
    ],
)
def test_private_keys_of_openssl(command: tuple[str, ...], tmp_path: Path) -> None:
    text = run("openssl", *command)
    if "genparam" in " ".join(command):
        parameters = tmp_path / "parameters"
        parameters.write_text(text)
        text = run("openssl", "gendsa", parameters)
    assert_refused_silently(text)


def test_json_web_key() -> None:
    secret = base64.urlsafe_b64encode(b"k" * 32).decode()
    assert_refused_silently(f'{{"kty": "OKP", "crv": "Ed25519", "x": "abc", "d": "{secret}"}}')


def test_comment_about_private_keys_is_no_private_key() -> None:
    line = blobs.line("ssh-ed25519", blobs.ed25519(), "goes with my private key at home")
    assert parse(line).comment == "goes with my private key at home"
