"""Every way a pasted public key can be wrong: a stable word, and a sentence that says what to do instead.

The sentences are fixed text. Nothing of what was pasted is ever put into one, except the name of a key type
from the lists below: a person who pastes a private key by mistake must not find it in a page or a log.
"""

from accounts.refusals import Refused

HOW_TO_FIND = "Paste the whole content of your public key file, for example ~/.ssh/id_ed25519.pub."
HOW_TO_MAKE = "Make a new one with: ssh-keygen -t ed25519"

ACCEPTED_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
DSA_TYPE = "ssh-dss"
CERTIFICATE_ENDING = "-cert-v01@openssh.com"
# Names OpenSSH and others know that we may say back to the person; every other word stays unsaid.
OTHER_TYPES = (
    DSA_TYPE,
    "rsa-sha2-256",
    "rsa-sha2-512",
    "ssh-ed448",
    "ssh-xmss@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss" + CERTIFICATE_ENDING,
    "ssh-rsa" + CERTIFICATE_ENDING,
    "rsa-sha2-256" + CERTIFICATE_ENDING,
    "rsa-sha2-512" + CERTIFICATE_ENDING,
    "ssh-ed25519" + CERTIFICATE_ENDING,
    "ecdsa-sha2-nistp256" + CERTIFICATE_ENDING,
    "ecdsa-sha2-nistp384" + CERTIFICATE_ENDING,
    "ecdsa-sha2-nistp521" + CERTIFICATE_ENDING,
    "sk-ssh-ed25519" + CERTIFICATE_ENDING,
    "sk-ecdsa-sha2-nistp256" + CERTIFICATE_ENDING,
)

SENTENCES = {
    "empty": f"There is no key here. {HOW_TO_FIND}",
    "too_long": f"This is more than 16 KiB, far longer than any public key. {HOW_TO_FIND}",
    "not_text": (
        "This is not plain text in UTF-8. Open the public key file in a text editor and paste the line from "
        "there; if its comment has special characters, leave the comment out."
    ),
    "private_key": (
        "This is a private key. It was not stored. Never give it to anyone; paste the public key instead: the"
        " file that ends in .pub, or in PuTTYgen the box 'Public key for pasting into OpenSSH authorized_keys"
        " file'. If the private key has been anywhere but on your own computer, make a new pair."
    ),
    "control_characters": (
        "The text holds control characters that do not belong in a key. Copy the line again from the public "
        "key file, with nothing else around it."
    ),
    "line_break": (
        "There is a line break inside the key or more text on other lines. A public key is one single line: "
        f"type, key, comment. {HOW_TO_FIND}"
    ),
    "comment_characters": (
        "The comment after the key has characters that cannot be printed. Write a plain comment, such as your"
        " name and computer, or leave it out."
    ),
    "options_prefix": (
        "There are authorized_keys options before the key (such as command=, from= or no-pty). They have no "
        "effect here. Remove everything before the key type; addresses are limited by access rules."
    ),
    "text_before_key": (
        "There is other text before the key type (a host name, a quotation mark or the like). Remove "
        "everything before the key type, such as ssh-ed25519."
    ),
    "several_keys": "These are several keys. Add them one at a time, each with a name of its own.",
    "file_name": (
        "This is the name of a file, not a key. Open that file and paste its content; it must be the one that"
        " ends in .pub."
    ),
    "fingerprint_only": "This is a fingerprint, not the key itself. To see the key, run: ssh-add -L",
    "not_a_key": f"This is not an SSH public key. {HOW_TO_FIND} It starts with a type such as ssh-ed25519.",
    "type_missing": (
        "The key type at the start of the line is missing. Copy the whole line, from the type (such as "
        "ssh-ed25519) to the comment."
    ),
    "key_missing": "There is a key type but no key after it. Copy the whole line of the public key file.",
    "unknown_type": (
        "Keys of this type are not supported. Use Ed25519, ECDSA (nistp256, 384, 521), RSA of 2048 bits or "
        f"more, or a security key (sk-). {HOW_TO_MAKE}"
    ),
    "unknown_curve": (
        "Keys on this elliptic curve are not supported. Use Ed25519, or ECDSA on nistp256, nistp384 or "
        f"nistp521. {HOW_TO_MAKE}"
    ),
    "dsa_key": f"DSA keys (ssh-dss) are no longer safe and OpenSSH refuses them. {HOW_TO_MAKE}",
    "ssh1_key": f"This is a key for the old SSH protocol 1, which nothing accepts any more. {HOW_TO_MAKE}",
    "certificate": (
        "This is an SSH certificate, not a plain public key. Paste the public key it was made from: the .pub "
        "file without -cert in its name."
    ),
    "x509_certificate": (
        "This is an X.509 certificate, not an SSH public key. Paste your SSH public key, the file that ends "
        "in .pub."
    ),
    "pgp_key": "This is a PGP key, not an SSH public key. If you log in with it, run: gpg --export-ssh-key",
    "unknown_form": (
        "This form of key is not known. Paste the one-line OpenSSH form; ssh-keygen -y prints it from the "
        "private key file."
    ),
    "bad_base64": (
        "The key has characters that cannot be there or its '=' signs at the end are wrong. It was changed on"
        f" the way; copy it again. {HOW_TO_FIND}"
    ),
    "cut_off": f"The key is cut off: its end or middle is missing. Copy the whole line. {HOW_TO_FIND}",
    "trailing_bytes": f"There is more data after the end of the key; copy it again. {HOW_TO_FIND}",
    "malformed": f"The data inside the key is damaged; copy it again. {HOW_TO_FIND}",
    "type_mismatch": (
        "The type at the start of the line is not the type of the key that follows. Copy the whole line again"
        " and do not edit it."
    ),
    "rsa_too_short": f"RSA keys need at least 2048 bits. {HOW_TO_MAKE}",
    "rsa_too_long": f"RSA keys of more than 16384 bits are not accepted by OpenSSH. {HOW_TO_MAKE}",
    "rsa_exponent": f"The exponent of this RSA key is unusable: it is damaged or unsafe. {HOW_TO_MAKE}",
    "rsa_modulus": f"The modulus of this RSA key is an even number, so it cannot be a key. {HOW_TO_MAKE}",
    "point_not_on_curve": (
        "The numbers in this ECDSA key do not fit its curve. The key is damaged; copy it again from the "
        "public key file."
    ),
    "wrong_length": (
        "The key inside has the wrong length for its type. It was changed on the way; copy it again. "
        f"{HOW_TO_FIND}"
    ),
    "weak_key": f"This key is one of the few values with which anybody could log in. {HOW_TO_MAKE}",
}


class KeyRefused(Refused):
    """A pasted text that is not one usable public key. `reason` is a key of SENTENCES."""

    def __init__(self, reason: str, before: str = "") -> None:
        super().__init__(reason, f"{before} {SENTENCES[reason]}".strip(), field="public_key")


def speakable(word: str) -> bool:
    """Whether a word is the name of a key type, and so may stand in a sentence."""
    return word in ACCEPTED_TYPES or word in OTHER_TYPES


def refusal_for_type(word: str) -> KeyRefused:
    """Return the refusal for a key of a type that is not accepted."""
    said = f"The key is of type {word}." if speakable(word) else ""
    if word.endswith(CERTIFICATE_ENDING):
        return KeyRefused("certificate", said)
    if word == DSA_TYPE:
        return KeyRefused("dsa_key")
    return KeyRefused("unknown_type", said)
