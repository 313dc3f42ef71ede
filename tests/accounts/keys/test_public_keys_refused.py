"""Everything that is not one usable public key is refused, each with its own reason and message."""

import base64
import time
from pathlib import Path

import pytest

from accounts.keys.curves import NIST_CURVES
from accounts.keys.key_refusals import KeyRefusalReason
from accounts.keys.public_keys import LONGEST_BYTES, KeyRefused, SeveralKeys, parse
from tests.accounts.keys.key_corpus import blobs
from tests.accounts.keys.key_corpus.tools import listed, make_pair, public_line, run

ED = blobs.line("ssh-ed25519", blobs.ed25519())
ED_BASE64 = ED.split()[1]
RSA = blobs.line("ssh-rsa", blobs.rsa())
MESSAGES = {reason.value: reason.message for reason in KeyRefusalReason}
EC = blobs.line("ecdsa-sha2-nistp256", blobs.ecdsa())


def refusal(text: str | bytes) -> KeyRefused:
    with pytest.raises(KeyRefused) as refused:
        parse(text)
    assert refused.value.message.endswith(MESSAGES[refused.value.reason])
    assert refused.value.field == "public_key"
    return refused.value


CASES: dict[str, list[tuple[str, str | bytes]]] = {
    # nothing, or not a key
    "empty": [("empty", ""), ("empty", " \r\n\t "), ("empty", b""), ("empty", "\ufeff")],
    "too long": [
        ("too_long", "A" * (LONGEST_BYTES + 1)),
        ("too_long", b"A" * 10_000_000),
        ("too_long", ED + "x" * LONGEST_BYTES),
        ("too_long", "あ" * (LONGEST_BYTES // 2)),
    ],
    "not a key": [
        ("not_a_key", "hello"),
        ("not_a_key", "# only a remark"),
        ("not_a_key", "<script>alert(1)</script>"),
        ("not_a_key", "B" * 4000),
        ("file_name", "~/.ssh/id_ed25519.pub"),
        ("file_name", "C:\\Users\\Alice Smith\\.ssh\\id_rsa.pub"),
        ("file_name", "/home/alice/.ssh/id_rsa"),
        ("fingerprint_only", "256 SHA256:" + "a" * 43 + " alice@laptop (ED25519)"),
        ("fingerprint_only", "2048 MD5:" + ":".join(["0a"] * 16) + " alice (RSA)"),
        ("type_missing", ED_BASE64),
        ("type_missing", f"{ED_BASE64} alice"),
        ("key_missing", "ssh-ed25519"),
        ("key_missing", "ssh-rsa "),
        ("ssh1_key", "2048 65537 " + "1234567890" * 60 + " alice"),
        ("not_text", b"ssh-ed25519 \xff\xfe"),
        ("not_text", ED.encode() + b" caf\xe9"),
        ("not_text", ED + "\udcff"),
    ],
    "characters": [
        ("control_characters", ED + "\x00"),
        ("control_characters", ED.replace(" ", "\x00", 1)),
        ("control_characters", ED[:30] + "\x00" + ED[30:]),
        ("control_characters", ED + "\x1b[31m"),
        ("control_characters", ED + " \x7f"),
        ("control_characters", ED + "\x85x"),
        ("control_characters", ED + "\x0b" + ED),
        ("comment_characters", ED + "\u202e"),
        ("comment_characters", ED + "\u2028x"),
        ("comment_characters", ED + " a\u200bb"),
        ("comment_characters", ED + " a\tb"),
    ],
    "line breaks": [
        ("line_break", ED + "\nsecond line"),
        ("line_break", ED + "\ncommand=x"),
        ("line_break", ED + "\r\nsecond\r\nthird"),
        ("line_break", ED + "\nalice@laptop"),
        ("line_break", RSA.rsplit(" ", 1)[0] + "\nalice@laptop"),
        ("line_break", ED[:40] + "\n" + ED[40:] + "\nmore"),
        ("line_break", ED[:40] + "\nmore\n" + ED[40:]),
        ("line_break", ED[:80] + "\nalice\nbob"),
        ("line_break", ED[:40] + "\n" + ED[41:]),
        ("line_break", RSA[:76] + "\n" + RSA[76:152] + "\n"),
    ],
    "before the key": [
        ("options_prefix", f'command="/bin/sh" {ED}'),
        ("options_prefix", f'command="echo hello world",no-pty {ED}'),
        ("options_prefix", f'from="10.0.0.0/8" {RSA}'),
        ("options_prefix", f"no-pty {ED}"),
        ("options_prefix", f"restrict,pty {EC}"),
        ("options_prefix", f"cert-authority {ED}"),
        ("options_prefix", f'environment="A=ssh-rsa AAAA" {ED}'),
        ("options_prefix", f"no-X11-forwarding {ED}"),
        ("text_before_key", f"node1.example.org {ED}"),
        ("text_before_key", f"@cert-authority *.example.org {ED}"),
        ("text_before_key", f'"{ED}"'),
        ("text_before_key", f"key: {ED}"),
    ],
    "types": [
        ("dsa_key", blobs.line("ssh-dss", blobs.dsa())),
        ("unknown_type", blobs.line("ssh-ed448", blobs.strings(b"ssh-ed448", b"k" * 57))),
        ("unknown_type", blobs.line("ssh-secret", blobs.ed25519())),
        ("unknown_type", blobs.line("rsa-sha2-256", blobs.rsa())),
        ("certificate", blobs.line("ssh-ed25519-cert-v01@openssh.com", blobs.ed25519())),
        ("type_mismatch", blobs.line("ssh-rsa", blobs.ed25519())),
        ("type_mismatch", blobs.line("ssh-ed25519", blobs.rsa())),
        ("type_mismatch", blobs.line("ssh-ed25519", blobs.sk_ed25519())),
        ("type_mismatch", blobs.line("sk-ssh-ed25519@openssh.com", blobs.ed25519())),
        ("type_mismatch", blobs.line("ssh-rsa", blobs.dsa())),
        ("type_mismatch", blobs.line("ecdsa-sha2-nistp384", blobs.ecdsa())),
        ("type_mismatch", blobs.line("ecdsa-sha2-nistp256", blobs.ecdsa(curve=b"nistp384"))),
        ("type_mismatch", blobs.line("ssh-ed25519", blobs.strings(b"\xff\x00", b"x"))),
    ],
    "base64": [
        ("bad_base64", ED.replace(ED_BASE64, ED_BASE64 + "=")),
        ("bad_base64", ED.replace(ED_BASE64, ED_BASE64[:20] + "*" + ED_BASE64[21:])),
        ("bad_base64", ED.replace(ED_BASE64, ED_BASE64[:20] + "-" + ED_BASE64[21:])),
        ("bad_base64", ED.replace(ED_BASE64, ED_BASE64[:20] + "é" + ED_BASE64[21:])),
        ("cut_off", EC.replace("= ", " ")),
        ("cut_off", ED.replace(ED_BASE64, ED_BASE64[:20] + "...")),
        ("cut_off", ED.replace(ED_BASE64, ED_BASE64[:-1])),
        ("cut_off", ED.replace(ED_BASE64, ED_BASE64[:-4])),
        ("cut_off", ED.replace(ED_BASE64, ED_BASE64[:10])),
        ("cut_off", ED.replace(ED_BASE64, "AAAA")),
        ("cut_off", RSA[:200]),
        ("cut_off", " ".join([RSA[:100], RSA[101:]])),
        ("cut_off", " ".join([ED[:40], ED[40:60], ED[61:]])),
        ("cut_off", " ".join([ED[:40], ED[40:60], "x-y", ED[60:]])),
        ("cut_off", f"{EC.split()[0]} {EC.split()[1][:80]}== {EC.split()[1][80:]}"),
    ],
    "blobs": [
        ("trailing_bytes", blobs.line("ssh-ed25519", blobs.ed25519() + b"\x00")),
        ("trailing_bytes", blobs.line("ssh-ed25519", blobs.ed25519() + blobs.ed25519())),
        ("trailing_bytes", blobs.line("ssh-rsa", blobs.rsa() + b"\x00\x00\x00\x00")),
        ("trailing_bytes", blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519() + b"\x01")),
        ("cut_off", blobs.line("ssh-ed25519", b"\xff\xff\xff\xff" + b"ssh-ed25519")),
        ("cut_off", blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519()[:-8])),
        ("wrong_length", blobs.line("ssh-ed25519", blobs.ed25519(b"k" * 31))),
        ("wrong_length", blobs.line("ssh-ed25519", blobs.ed25519(b"k" * 33))),
        ("wrong_length", blobs.line("ssh-ed25519", blobs.ed25519(b""))),
        ("weak_key", blobs.line("ssh-ed25519", blobs.ed25519(bytes(32)))),
        ("weak_key", blobs.line("ssh-ed25519", blobs.ed25519(b"\x01" + bytes(31)))),
        ("malformed", blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519(b""))),
        ("malformed", blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519(b"ssh:\x00"))),
    ],
    "rsa": [
        ("rsa_too_short", blobs.line("ssh-rsa", blobs.rsa(2047))),
        ("rsa_too_short", blobs.line("ssh-rsa", blobs.rsa(1024))),
        ("rsa_too_short", blobs.line("ssh-rsa", blobs.rsa(8, modulus=129))),
        ("rsa_too_long", blobs.line("ssh-rsa", blobs.rsa(16385))),
        ("rsa_exponent", blobs.line("ssh-rsa", blobs.rsa(exponent=1))),
        ("rsa_exponent", blobs.line("ssh-rsa", blobs.rsa(exponent=65536))),
        ("rsa_exponent", blobs.line("ssh-rsa", blobs.rsa(exponent=2**64 + 1))),
        ("rsa_modulus", blobs.line("ssh-rsa", blobs.rsa(modulus=1 << 2047))),
        (
            "malformed",
            blobs.line(
                "ssh-rsa", blobs.strings(b"ssh-rsa", b"\x00\x01\x00\x01", blobs.number(1 << 2047 | 1))
            ),
        ),
        ("malformed", blobs.line("ssh-rsa", blobs.strings(b"ssh-rsa", b"\x03", b"\xff" * 256))),
        ("malformed", blobs.line("ssh-rsa", blobs.strings(b"ssh-rsa", b"", b"\x7f" * 256))),
        ("malformed", blobs.line("ssh-rsa", blobs.strings(b"ssh-rsa", b"\x00", b"\x7f" * 256))),
    ],
    "ecdsa": [
        ("point_not_on_curve", blobs.line(EC.split()[0], blobs.ecdsa(blobs.P256_GENERATOR[:-1] + b"\xf6"))),
        ("point_not_on_curve", blobs.line(EC.split()[0], blobs.ecdsa(b"\x04" + bytes(64)))),
        ("point_not_on_curve", blobs.line(EC.split()[0], blobs.ecdsa(b"\x04" + b"\xff" * 64))),
        ("wrong_length", blobs.line(EC.split()[0], blobs.ecdsa(b"\x03" + blobs.P256_GENERATOR[1:33]))),
        ("wrong_length", blobs.line(EC.split()[0], blobs.ecdsa(b"\x00"))),
        ("wrong_length", blobs.line(EC.split()[0], blobs.ecdsa(blobs.P256_GENERATOR + b"\x00"))),
        (
            "point_not_on_curve",
            blobs.line("sk-ecdsa-sha2-nistp256@openssh.com", blobs.sk_ecdsa(point=b"\x04" + b"\x11" * 64)),
        ),
    ],
}


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param(*case, id=f"{group}-{at}")
        for group, cases in CASES.items()
        for at, case in enumerate(cases)
    ],
)
def test_broken_key_is_refused(reason: str, text: str | bytes) -> None:
    assert refusal(text).reason == reason


@pytest.mark.parametrize(
    "piece",
    ["\n", " ", "BEGIN ", "PRIVATE KEY ", '"d":', '"kty":', "A\n", "ssh-rsa ", "0a:", ".ssh/", "PRIVATE\t"],
)
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    refusal(piece * (LONGEST_BYTES // len(piece)))
    assert time.process_time() - started < 0.5


def test_each_reason_has_a_sentence_of_its_own() -> None:
    assert len({reason.message for reason in KeyRefusalReason}) == len(KeyRefusalReason)
    assert all(reason.message.strip().count(" ") >= 5 for reason in KeyRefusalReason)


def test_ssh_keygen_takes_some_of_what_we_refuse() -> None:
    """Common libraries accept these, which is why we have our own parser."""
    assert listed(f'command="/bin/sh" {ED}') is not None


def test_point_with_a_tiny_coordinate_is_refused_as_openssh_does() -> None:
    curve = NIST_CURVES["nistp256"]
    squares = ((x, (x**3 - 3 * x + curve.b) % curve.p) for x in range(2, 100))
    roots = ((x, pow(square, (curve.p + 1) // 4, curve.p), square) for x, square in squares)
    x, y = next((x, root) for x, root, square in roots if root * root % curve.p == square)
    line = blobs.line(EC.split()[0], blobs.ecdsa(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")))
    assert listed(line) is None
    assert refusal(line).reason == "point_not_on_curve"


def test_every_cut_of_a_key_is_refused() -> None:
    for line in (ED, RSA, EC, blobs.line("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519())):
        kind, encoded, _ = line.split()
        for length in range(1, len(encoded.rstrip("="))):
            assert refusal(f"{kind} {encoded[:length]}").reason == "cut_off", length


def test_cut_and_padded_again_is_cut_off() -> None:
    for length in range(1, len(blobs.rsa())):
        encoded = base64.b64encode(blobs.rsa()[:length]).decode()
        assert refusal(f"ssh-rsa {encoded} alice").reason == "cut_off"


def test_real_short_rsa_key(tmp_path: Path) -> None:
    short = refusal(public_line(make_pair(tmp_path, "-t", "rsa", "-b", "1024")))
    assert (short.reason, "1024 bits" in short.message) == ("rsa_too_short", True)


def test_real_certificate(tmp_path: Path) -> None:
    authority, pair = make_pair(tmp_path, "-t", "ed25519"), make_pair(tmp_path, "-t", "ed25519")
    run("ssh-keygen", "-q", "-s", authority, "-I", "alice", "-n", "alice", f"{pair}.pub")
    certificate = Path(f"{pair}-cert.pub").read_text()
    assert refusal(certificate).reason == "certificate"
    encoded = certificate.split()[1]
    block = f"---- BEGIN SSH2 PUBLIC KEY ----\n{encoded}\n---- END SSH2 PUBLIC KEY ----"
    assert refusal(block).reason == "certificate"


def test_several_keys_offer_each() -> None:
    spki = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAd1qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    text = (
        f"{ED}\n# remark\n{RSA}\n{ED}\n{blobs.line('ssh-dss', blobs.dsa())}\n{spki}-----END PUBLIC KEY-----"
    )
    refused = refusal(text)
    assert isinstance(refused, SeveralKeys)
    assert (refused.reason, refused.count) == ("several_keys", 5)
    assert [key.line for key in refused.keys[:2]] == [ED, RSA]
    assert len(refused.keys) == 3
    assert all(parse(key.line).blob == key.blob for key in refused.keys)


def test_several_keys_in_one_line() -> None:
    refused = refusal(f"{ED} {RSA}")
    assert isinstance(refused, SeveralKeys)
    assert [key.line for key in refused.keys] == [ED, RSA]


def test_nothing_of_the_text_is_said_back() -> None:
    for cases in CASES.values():
        for reason, text in cases:
            if reason in ("type_mismatch", "certificate", "unknown_type", "empty"):
                continue
            decoded = text if isinstance(text, str) else text.decode("latin-1")
            refused = refusal(text)
            shown = f"{refused!s} {refused!r} {refused.args}"
            assert not [word for word in decoded.split() if len(word) > 24 and word in shown]


def test_unknown_word_is_not_said_back() -> None:
    assert "hunter2" not in str(vars(refusal(blobs.line("hunter2", blobs.ed25519()))))
    assert "ssh-ed448" in refusal(blobs.line("ssh-ed448", blobs.ed25519())).message
