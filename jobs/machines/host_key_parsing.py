"""Parse pasted host keys: plain lines, known_hosts lines, the output of ssh-keyscan. Pure; connects to nothing.

A known_hosts line names the hosts its key belongs to; the machine in question has to be among them, hashed or not.
"""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass

from accounts.keys import public_keys
from accounts.keys.key_refusals import is_known_type
from accounts.keys.private_keys import is_private_key
from accounts.keys.public_keys import LONGEST_BYTES, PublicKey
from accounts.refusals import Refused
from sshgateway.ssh.host_keys import SIGNATURE_ALGORITHMS

MAX_KEYS = 10
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
DAMAGED = "The host key is damaged: copy it again."
_KEYSCAN_REMARK = "#"
_LONGEST_NAME = 80


@dataclass(frozen=True)
class HostKeys:
    """Host keys as OpenSSH lines without comment; `notice` says how the text was read, if that needs saying."""

    lines: tuple[str, ...]
    notice: str | None = None


def parse_host_keys(text: str, host: str, port: int) -> HostKeys:
    """Return the host keys in the text, for the machine at `host` (lower case) and `port`. Raises Refused.

    1. A text that is too long or a private key is refused before anything else.
    2. A PEM or RFC 4716 block is converted.
    3. Otherwise each line is one key; if hosts stand in front of it, this machine has to be among them.
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
        key = _parse_key("\n".join(lines), "")
        return HostKeys((_key_line(key),), key.notice)
    found: dict[str, None] = {}
    has_names = False
    for number, line in enumerate(lines, 1):
        prefix = f"Line {number}: " if len(lines) > 1 else ""
        names, key_text = _split(line, prefix)
        if names:
            _check_names(names, host, port, prefix)
            has_names = True
        found[_key_line(_parse_key(key_text, prefix))] = None
    if len(found) > MAX_KEYS:
        raise Refused(
            "too_many_keys",
            f"These are {len(found)} different keys; a machine has at most {MAX_KEYS}.",
            "host_key",
        )
    notice = f"Took the key out of each known_hosts line; all of them are for {host}." if has_names else None
    return HostKeys(tuple(found), notice)


def _split(line: str, prefix: str) -> tuple[str, str]:
    """Return the host names in front of the key, if there are any, and the key."""
    if line.startswith("@"):
        raise _refusal("authority_line", prefix)
    first, *rest = line.split(None, 1)
    if not is_known_type(first) and rest and is_known_type(rest[0].split(None, 1)[0]):
        return first, rest[0]
    return "", line


def _parse_key(text: str, prefix: str) -> PublicKey:
    try:
        key = public_keys.parse(text)
    except Refused as refused:
        raise _refusal(refused.reason, prefix) from None
    if key.type not in SIGNATURE_ALGORITHMS:
        raise _refusal("unknown_type", prefix)
    return key


def _key_line(key: PublicKey) -> str:
    return f"{key.type} {base64.b64encode(key.blob).decode('ascii')}"


def _refusal(reason: str, prefix: str = "") -> Refused:
    sentence = SENTENCES.get(reason, DAMAGED)
    advice = "" if reason in ("private_key", "several_keys", "too_long") else f" {HOW_TO_FIND}"
    return Refused(reason, f"{prefix}{sentence}{advice}", field="host_key")


def _check_names(names: str, host: str, port: int, prefix: str) -> None:
    """Raise Refused (`other_host`) unless these host names of a known_hosts line include this machine."""
    own_names = {f"[{host}]:{port}", host} if port != 22 else {host, f"[{host}]:22"}
    if names.startswith("|"):
        if any(_is_hash_of(names, name) for name in own_names):
            return
        raise Refused(
            "other_host",
            f"{prefix}this known_hosts line has its host name as a hash, and it is not the hash of {host}. "
            "If it is the same machine, paste only the part that starts with the key type, such as ssh-ed25519.",
            "host_key",
        )
    patterns = names.lower().split(",")
    denied = any(
        _matches(pattern[1:], name) for pattern in patterns if pattern[:1] == "!" for name in own_names
    )
    if denied or not any(_matches(pattern, name) for pattern in patterns for name in own_names):
        named = names if names.isprintable() and len(names) <= _LONGEST_NAME else "another machine"
        where = host if port == 22 else f"{host}, port {port}"
        raise Refused(
            "other_host",
            f"{prefix}this known_hosts line is for {named}, not for {where}. If it is the same machine, paste only "
            "the part that starts with the key type, such as ssh-ed25519.",
            "host_key",
        )


def _matches(pattern: str, name: str) -> bool:
    """Whether a known_hosts pattern (with `*` and `?` as wildcards) matches this name."""
    wildcards = {"*": ".*", "?": "."}
    simple = re.sub(r"\*+", "*", pattern)
    if simple.count("*") > 3:  # no real pattern has so many, and they take long to match
        return False
    return re.fullmatch("".join(wildcards.get(c, re.escape(c)) for c in simple), name) is not None


def _is_hash_of(hashed: str, name: str) -> bool:
    """Whether `|1|salt|hash`, as `ssh-keygen -H` writes it, is the hash of this name."""
    fields = hashed.split("|")
    if len(fields) != 4 or fields[1] != "1":
        return False
    try:
        salt, digest = (base64.b64decode(field, validate=True) for field in fields[2:])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)
