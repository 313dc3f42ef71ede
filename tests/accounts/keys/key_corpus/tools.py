"""Run ssh-keygen, puttygen and openssl: make keys and describe them."""

import subprocess
from pathlib import Path
from typing import NamedTuple

LISTED_TYPES = {
    "ED25519": "ssh-ed25519",
    "RSA": "ssh-rsa",
    "ED25519-SK": "sk-ssh-ed25519@openssh.com",
    "ECDSA-SK": "sk-ecdsa-sha2-nistp256@openssh.com",
}


class Listed(NamedTuple):
    """One line of `ssh-keygen -l`."""

    bits: int
    fingerprint: str
    comment: str
    type: str


def run(*command: str | Path, stdin: str | None = None) -> str:
    """Return what the program prints. Fails unless the program succeeds."""
    done = subprocess.run(
        [str(part) for part in command], input=stdin, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_pair(folder: Path, *options: str, comment: str = "alice@laptop", passphrase: str = "") -> Path:
    """Make a key pair with ssh-keygen; return the private key's path."""
    path = folder / f"key{len(list(folder.iterdir()))}"
    run("ssh-keygen", "-q", *options, "-N", passphrase, "-C", comment, "-f", path)
    return path


def public_line(pair: Path) -> str:
    """Return the public key of a pair as ssh-keygen wrote it."""
    return Path(f"{pair}.pub").read_text()


def listed(text: str) -> Listed | None:
    """Return what `ssh-keygen -l` prints for a public key line; None if it refuses the line."""
    done = subprocess.run(
        ["ssh-keygen", "-l", "-f", "-"], input=text + "\n", capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0 or not done.stdout.strip():
        return None
    bits, fingerprint, rest = done.stdout.rstrip("\n").split(" ", 2)
    comment, _, kind = rest.rpartition(" ")
    word = kind.strip("()")
    return Listed(int(bits), fingerprint, comment, LISTED_TYPES.get(word, f"ecdsa-sha2-nistp{bits}"))
