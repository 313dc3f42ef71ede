"""The corpus: keys in every format that ssh-keygen, puttygen and openssl write, and broken versions of them.

Made anew for each run of the tests, so that it is never the same keys and always what today's tools write.
"""

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.accounts.keys.key_corpus import blobs
from tests.accounts.keys.key_corpus.tools import make_pair, public_line, run

PASSPHRASE = "correct horse"
RANDOM = ("--random-device", "/dev/urandom")


@dataclass(frozen=True)
class Valid:
    """A text with one usable key; `line` is the same key in the one-line form that the tool itself wrote."""

    name: str
    text: str
    line: str


@dataclass(frozen=True)
class Broken:
    """A text that must be refused, and the reason."""

    name: str
    text: str
    reason: str


@dataclass(frozen=True)
class Pair:
    """A key pair in a file that ssh-keygen reads, and its public line."""

    name: str
    path: Path
    line: str

    @property
    def kind(self) -> str:
        return self.line.split()[0]

    @property
    def encoded(self) -> str:
        return self.line.split()[1]


def pairs(folder: Path) -> list[Pair]:
    """Return key pairs made by the three tools."""
    found = []
    for options in (
        ("-t", "ed25519"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "384"),
        ("-t", "ecdsa", "-b", "521"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "rsa", "-b", "3072"),
    ):
        path = make_pair(folder, *options)
        found.append(Pair("ssh-keygen " + " ".join(options), path, public_line(path).strip()))
    for options in (("-t", "ed25519"), ("-t", "ecdsa", "-b", "384"), ("-t", "rsa", "-b", "2048")):
        found.append(_by_puttygen(folder, *options))
    for options in (
        ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    ):
        path = folder / f"openssl{len(found)}"
        run("openssl", "genpkey", *options, "-out", path)
        path.chmod(0o600)
        line = run("ssh-keygen", "-y", "-P", "", "-f", path).strip() + " made with openssl"
        path.with_suffix(".spki").write_text(run("openssl", "pkey", "-in", path, "-pubout"))
        path.with_suffix(".pkcs8").write_text(path.read_text())
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", "", "-f", path)  # puttygen does not read PKCS#8
        found.append(Pair("openssl " + options[-1], path, line))
    return found


def _by_puttygen(folder: Path, *options: str) -> Pair:
    ppk = folder / f"puttygen{len(list(folder.iterdir()))}.ppk"
    path = ppk.with_suffix("")
    run(
        "puttygen", *options, *RANDOM, "-q", "-C", "alice at home", "--new-passphrase", "/dev/null", "-o", ppk
    )
    run("puttygen", ppk, "-O", "private-openssh-new", "-o", path, "--new-passphrase", "/dev/null")
    return Pair("puttygen " + " ".join(options), path, run("puttygen", ppk, "-L").strip())


def valid(made: list[Pair]) -> Iterator[Valid]:
    """Yield every format of every pair, and formats that only security keys and unusual sizes have."""
    for pair in made:
        for form, text in _forms(pair):
            yield Valid(f"{pair.name}: {form}", text, pair.line)
    for name, kind, blob in (
        ("sk ed25519", "sk-ssh-ed25519@openssh.com", blobs.sk_ed25519()),
        ("sk ed25519, own application", "sk-ssh-ed25519@openssh.com", blobs.sk_ed25519(b"ssh:work")),
        ("sk ecdsa", "sk-ecdsa-sha2-nistp256@openssh.com", blobs.sk_ecdsa()),
        ("rsa, exponent of PuTTY", "ssh-rsa", blobs.rsa(exponent=37)),
        ("rsa, 2049 bits", "ssh-rsa", blobs.rsa(2049)),
        ("rsa, 8192 bits", "ssh-rsa", blobs.rsa(8192)),
    ):
        yield Valid(name, blobs.line(kind, blob), blobs.line(kind, blob))


def _forms(pair: Pair) -> Iterator[tuple[str, str]]:
    """Yield one public key in the ways users copy it."""
    bare = " ".join(pair.line.split()[:2])
    pub = pair.path.with_name(pair.path.name + ".only.pub")
    pub.write_text(pair.line + "\n")
    yield "one line", pair.line
    yield "one line, ends as in Windows", pair.line + "\r\n"
    yield "without a comment", bare
    yield "with a Japanese comment", bare + " 山田のノート"
    yield "with a remark above", f"# my key\n\n{pair.line}\n"
    yield "RFC 4716 by ssh-keygen", run("ssh-keygen", "-e", "-f", pub)
    yield "RFC 4716 by puttygen", run("puttygen", pair.path, "-O", "public", "-o", "/dev/stdout")
    if pair.path.with_suffix(".spki").exists():
        yield "PEM by openssl", pair.path.with_suffix(".spki").read_text()
    if pair.kind != "ssh-ed25519":  # ssh-keygen of OpenSSH 9 writes no PKCS#8 for these
        yield "PKCS#8 by ssh-keygen", run("ssh-keygen", "-e", "-m", "PKCS8", "-f", pub)
    if pair.kind == "ssh-rsa":
        yield "PKCS#1 by ssh-keygen", run("ssh-keygen", "-e", "-m", "PEM", "-f", pub)


def broken(made: list[Pair], folder: Path) -> Iterator[Broken]:
    """Yield what tools write that is not an accepted public key, and every public key broken in many ways."""
    for pair in made:
        yield from _privates(pair, folder)
        yield from _mutations(pair)
    yield from _foreign(made, folder)


def _privates(pair: Pair, folder: Path) -> Iterator[Broken]:
    """Yield the private key in all of its formats."""
    text = pair.path.read_text()
    yield Broken(f"{pair.name}: private key", text, "private_key")
    yield Broken(f"{pair.name}: private key without its first line", text.partition("\n")[2], "private_key")
    yield Broken(f"{pair.name}: private key behind the public one", f"{pair.line}\n{text}", "private_key")
    locked = folder / "locked"
    locked.write_text(text)
    locked.chmod(0o600)
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", locked)
    yield Broken(f"{pair.name}: private key with a passphrase", locked.read_text(), "private_key")
    for version in ("2", "3"):
        ppk = folder / f"v{version}.ppk"
        parameters = ("--ppk-param", f"version={version}")
        run("puttygen", pair.path, *parameters, "-O", "private", "-o", ppk, "--new-passphrase", "/dev/null")
        yield Broken(f"{pair.name}: PPK version {version}", ppk.read_text(), "private_key")
    if pair.path.with_suffix(".pkcs8").exists():
        yield Broken(f"{pair.name}: PKCS#8", pair.path.with_suffix(".pkcs8").read_text(), "private_key")
    if pair.kind != "ssh-ed25519":
        for form in ("PEM", "PKCS8"):
            locked.write_text(text)
            run("ssh-keygen", "-q", "-p", "-m", form, "-P", "", "-N", "", "-f", locked)
            yield Broken(f"{pair.name}: private key as {form}", locked.read_text(), "private_key")


def _mutations(pair: Pair) -> Iterator[Broken]:
    """Yield one public key broken by transport, by an editor, by mistake or on purpose."""
    kind, encoded = pair.kind, pair.encoded
    blob = base64.b64decode(encoded)
    other = "ssh-rsa" if kind != "ssh-rsa" else "ssh-ed25519"
    middle = len(encoded) // 2
    twisted = encoded[:middle] + "*" + encoded[middle + 1 :]
    for name, text, reason in (
        ("cut at the end", f"{kind} {encoded[:-8]}", "cut_off"),
        ("cut in the middle", f"{kind} {encoded[:middle]} alice", "cut_off"),
        ("only its beginning", f"{kind} {encoded[:12]}", "cut_off"),
        ("an ellipsis", f"{kind} {encoded[:30]}...", "cut_off"),
        ("a star inside", f"{kind} {twisted} alice", "bad_base64"),
        ("a byte more", blobs.line(kind, blob + b"\0"), "trailing_bytes"),
        ("twice the blob", blobs.line(kind, blob + blob), "trailing_bytes"),
        ("a byte less", blobs.line(kind, blob[:-1]), "cut_off"),
        ("another type in front", f"{other} {encoded} alice", "type_mismatch"),
        ("no type", f"{encoded} alice", "type_missing"),
        ("only the type", kind, "key_missing"),
        ("an option", f'command="/bin/sh" {pair.line}', "options_prefix"),
        ("several options", f'no-pty,from="10.0.0.0/8" {pair.line}', "options_prefix"),
        ("a known_hosts line", f"node1.example.org {pair.line}", "text_before_key"),
        ("a NUL", f"{pair.line}\0", "control_characters"),
        ("a colour", f"{pair.line}\x1b[31m", "control_characters"),
        ("a hidden direction", f"{pair.line}\u202e", "comment_characters"),
        ("a second line", f"{pair.line}\nand more", "line_break"),
        ("itself again", f"{pair.line}\n{pair.line}", "several_keys"),
    ):
        yield Broken(f"{pair.name}: {name}", text, reason)


def _foreign(made: list[Pair], folder: Path) -> Iterator[Broken]:
    """Yield keys of types that are not accepted, and other text that looks like a key."""
    short = make_pair(folder, "-t", "rsa", "-b", "1024")
    yield Broken("ssh-keygen: RSA of 1024 bits", public_line(short), "rsa_too_short")
    for form in ("RFC4716", "PKCS8", "PEM"):
        text = run("ssh-keygen", "-e", "-m", form, "-f", f"{short}.pub")
        yield Broken(f"ssh-keygen: RSA of 1024 bits as {form}", text, "rsa_too_short")
    for options, reason in ((("-t", "dsa", "-b", "1024"), "dsa_key"), (("-t", "ed448"), "unknown_type")):
        ppk = folder / f"{options[1]}.ppk"
        run("puttygen", *options, *RANDOM, "-q", "--new-passphrase", "/dev/null", "-o", ppk)
        yield Broken(f"puttygen: {options[1]}", run("puttygen", ppk, "-L"), reason)
        yield Broken(
            f"puttygen: {options[1]}, RFC 4716",
            run("puttygen", ppk, "-O", "public", "-o", "/dev/stdout"),
            reason,
        )
    authority = next(pair for pair in made if pair.kind == "ssh-ed25519")
    for pair in made:
        pub = folder / "signed.pub"
        pub.write_text(pair.line + "\n")
        run("ssh-keygen", "-q", "-s", authority.path, "-I", "alice", "-n", "alice", pub)
        text = (folder / "signed-cert.pub").read_text()
        yield Broken(f"{pair.name}: a certificate for it", text, "certificate")
    openssl = next(pair for pair in made if pair.name.startswith("openssl rsa"))
    subject = ("-subj", "/CN=alice", "-days", "1")
    secret = openssl.path.with_suffix(".pkcs8")
    x509 = run("openssl", "req", "-new", "-x509", "-key", secret, *subject)
    yield Broken("openssl: X.509 certificate", x509, "x509_certificate")
    request = run("openssl", "req", "-new", "-key", secret, "-subj", "/CN=alice")
    yield Broken("openssl: request for a certificate", request, "x509_certificate")
    for curve, reason in (("secp256k1", "unknown_curve"), ("brainpoolP256r1", "unknown_curve")):
        path = folder / curve
        done = subprocess.run(
            [
                "openssl",
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                f"ec_paramgen_curve:{curve}",
                "-out",
                str(path),
            ],
            capture_output=True,
        )
        if done.returncode == 0:
            yield Broken(f"openssl: {curve}", run("openssl", "pkey", "-in", path, "-pubout"), reason)
    for algorithm in ("ed448", "x25519"):
        path = folder / algorithm
        run("openssl", "genpkey", "-algorithm", algorithm, "-out", path)
        text = run("openssl", "pkey", "-in", path, "-pubout")
        yield Broken(f"openssl: {algorithm}", text, "unknown_type")
