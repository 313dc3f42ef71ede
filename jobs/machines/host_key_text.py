"""Reads pasted host keys: plain lines, known_hosts lines, what ssh-keyscan prints. Pure; learns nothing by itself.

A known_hosts line says whom its key is for; that has to be the machine in question, also where it says it as a hash.
"""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass

from accounts.keys import public_keys
from accounts.keys.key_refusals import speakable
from accounts.keys.private_keys import is_private_key
from accounts.keys.public_keys import LONGEST_BYTES, PublicKey
from accounts.refusals import Refused
from sshgateway.ssh.host_keys import SIGNATURE_ALGORITHMS

MOST_KEYS = 10
HOW_TO_FIND = (
    "On the machine itself, run: cat /etc/ssh/ssh_host_ed25519_key.pub and paste the line it prints."
)
SENTENCES = {
    "empty": "The host key is missing: it is what the portal knows the machine by, and it never learns one by itself.",
    "too_long": "This is more than 16 KiB, far more than a machine's host keys.",
    "private_key": (
        "This is a private key. It was not stored. Paste the public host key instead: the file that ends in .pub. "
        "If the private key has been anywhere but on the machine, make the machine a new one."
    ),
    "control_characters": "The text holds control characters that do not belong in a key.",
    "certificate": "This is a host certificate, not a plain host key. The file without -cert in its name is the one.",
    "several_keys": "There are several keys in one line. Put each key on a line of its own.",
    "fingerprint_only": "This is a fingerprint, not the key itself.",
    "file_name": "This is the name of a file, not a key. Paste what is in that file.",
    "type_missing": "The key type at the start of the line, such as ssh-ed25519, is missing.",
    "key_missing": "There is a key type but no key after it.",
    "dsa_key": "DSA host keys (ssh-dss) are no longer safe and are not used. Paste another key of the machine.",
    "unknown_type": "Host keys of this type are not supported. Use Ed25519, ECDSA or RSA.",
    "type_mismatch": "The type at the start of the line is not the type of the key that follows.",
    "cut_off": "The key is cut off: its end or middle is missing.",
    "rsa_too_short": "RSA host keys need at least 2048 bits. Paste another key of the machine.",
    "authority_line": (
        "This line is about a certificate authority or a revoked key (it starts with @). The portal pins the "
        "machine's own host keys."
    ),
    "not_a_key": "This is not an SSH host key.",
}
OTHERWISE = "The host key is damaged: copy it again."
_KEYSCAN_REMARK = "#"
_LONGEST_NAME = 80


@dataclass(frozen=True)
class HostKeys:
    """Usable host keys as OpenSSH lines without comment; `notice` says what was made of the text to get them."""

    lines: tuple[str, ...]
    notice: str | None = None


def parse(text: str, host: str, port: int) -> HostKeys:
    """The host keys in the text, for the machine at `host` (lower case) and `port`; raise Refused for anything else.

    1. Too long, or a private key: refused before anything is looked at.
    2. A PEM or RFC 4716 block is converted.
    3. Each line is one key; in front of it may stand for whom it is, which has to be this machine.
    """
    if len(text) > LONGEST_BYTES:
        raise _refusal("too_long")
    if is_private_key(text):
        raise _refusal("private_key")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    lines = [line for line in lines if line and not line.startswith(_KEYSCAN_REMARK)]
    if not lines:
        raise _refusal("empty")
    if lines[0].startswith("--") and "BEGIN" in lines[0]:
        key = _key("\n".join(lines), "")
        return HostKeys((_plain(key),), key.notice)
    found: dict[str, None] = {}
    named = False
    for number, line in enumerate(lines, 1):
        place = f"Line {number}: " if len(lines) > 1 else ""
        names, key_text = _split(line, place)
        if names:
            _check_names(names, host, port, place)
            named = True
        found[_plain(_key(key_text, place))] = None
    if len(found) > MOST_KEYS:
        raise Refused(
            "too_many_keys",
            f"These are {len(found)} different keys; a machine has at most {MOST_KEYS}.",
            "host_key",
        )
    notice = f"Took the key out of each known_hosts line; all of them are for {host}." if named else None
    return HostKeys(tuple(found), notice)


def _split(line: str, place: str) -> tuple[str, str]:
    """For whom the key is, if the line says so, and the rest."""
    if line.startswith("@"):
        raise _refusal("authority_line", place)
    first, *rest = line.split(None, 1)
    if not speakable(first) and rest and speakable(rest[0].split(None, 1)[0]):
        return first, rest[0]
    return "", line


def _key(text: str, place: str) -> PublicKey:
    try:
        key = public_keys.parse(text)
    except Refused as refused:
        raise _refusal(refused.reason, place) from None
    if key.type not in SIGNATURE_ALGORITHMS:
        raise _refusal("unknown_type", place)
    return key


def _plain(key: PublicKey) -> str:
    return f"{key.type} {base64.b64encode(key.blob).decode('ascii')}"


def _refusal(reason: str, place: str = "") -> Refused:
    said = SENTENCES.get(reason, OTHERWISE)
    advice = "" if reason in ("private_key", "several_keys", "too_long") else f" {HOW_TO_FIND}"
    return Refused(reason, f"{place}{said}{advice}", field="host_key")


def _check_names(names: str, host: str, port: int, place: str) -> None:
    """Raise Refused (`other_host`) unless a known_hosts line is for this machine."""
    ours = {f"[{host}]:{port}", host} if port != 22 else {host, f"[{host}]:22"}
    if names.startswith("|"):
        if any(_is_hash_of(names, name) for name in ours):
            return
        raise Refused(
            "other_host",
            f"{place}this known_hosts line has its host name as a hash, and it is not the hash of {host}. "
            "If it is the same machine, paste only the part that starts with the key type, such as ssh-ed25519.",
            "host_key",
        )
    patterns = names.lower().split(",")
    denied = any(_matches(pattern[1:], name) for pattern in patterns if pattern[:1] == "!" for name in ours)
    if denied or not any(_matches(pattern, name) for pattern in patterns for name in ours):
        said = names if names.isprintable() and len(names) <= _LONGEST_NAME else "another machine"
        where = host if port == 22 else f"{host}, port {port}"
        raise Refused(
            "other_host",
            f"{place}this known_hosts line is for {said}, not for {where}. If it is the same machine, paste only "
            "the part that starts with the key type, such as ssh-ed25519.",
            "host_key",
        )


def _matches(pattern: str, name: str) -> bool:
    """Whether a known_hosts pattern, which knows `*` and `?` only, is for this name."""
    parts = {"*": ".*", "?": "."}
    simple = re.sub(r"\*+", "*", pattern)
    if simple.count("*") > 3:  # so many stars are nobody's name, and take long to try
        return False
    return re.fullmatch("".join(parts.get(c, re.escape(c)) for c in simple), name) is not None


def _is_hash_of(hashed: str, name: str) -> bool:
    """Whether `|1|salt|hash` is this name, hashed as `ssh-keygen -H` does."""
    fields = hashed.split("|")
    if len(fields) != 4 or fields[1] != "1":
        return False
    try:
        salt, digest = (base64.b64decode(field, validate=True) for field in fields[2:])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)
