"""The ways in which a pasted public key can be wrong, each with a message that says what to do instead.

The messages are fixed text. Nothing that was pasted is ever put into one, except the name of a key type from the lists
below: somebody who pastes a private key by mistake must not find it on a page or in a log.
"""

from accounts.refusals import ReasonWithMessage, Refused

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
# Further names of key types that a message may repeat; no other word is ever repeated.
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


class KeyRefusalReason(ReasonWithMessage):
    """Why a pasted text is not a usable public key: a stable word, and the message for the user."""

    EMPTY = "empty", f"There is no key here. {HOW_TO_FIND}"
    TOO_LONG = "too_long", f"This is more than 16 KiB, far longer than any public key. {HOW_TO_FIND}"
    NOT_TEXT = (
        "not_text",
        (
            "This is not plain text in UTF-8. Open the public key file in a text editor and paste the line from "
            "there; if its comment has special characters, leave the comment out."
        ),
    )
    PRIVATE_KEY = (
        "private_key",
        (
            "This is a private key. It was not stored. Never give it to anyone; paste the public key instead: the"
            " file that ends in .pub, or in PuTTYgen the box 'Public key for pasting into OpenSSH authorized_keys"
            " file'. If the private key has been anywhere but on your own computer, make a new pair."
        ),
    )
    CONTROL_CHARACTERS = (
        "control_characters",
        (
            "The text holds control characters that do not belong in a key. Copy the line again from the public "
            "key file, with nothing else around it."
        ),
    )
    LINE_BREAK = (
        "line_break",
        (
            "There is a line break inside the key or more text on other lines. A public key is one single line: "
            f"type, key, comment. {HOW_TO_FIND}"
        ),
    )
    COMMENT_CHARACTERS = (
        "comment_characters",
        (
            "The comment after the key has characters that cannot be printed. Write a plain comment, such as your"
            " name and computer, or leave it out."
        ),
    )
    OPTIONS_PREFIX = (
        "options_prefix",
        (
            "There are authorized_keys options before the key (such as command=, from= or no-pty). They have no "
            "effect here. Remove everything before the key type; addresses are limited by access rules."
        ),
    )
    TEXT_BEFORE_KEY = (
        "text_before_key",
        (
            "There is other text before the key type (a host name, a quotation mark or the like). Remove "
            "everything before the key type, such as ssh-ed25519."
        ),
    )
    SEVERAL_KEYS = (
        "several_keys",
        "These are several keys. Add them one at a time, each with a name of its own.",
    )
    FILE_NAME = (
        "file_name",
        (
            "This is the name of a file, not a key. Open that file and paste its content; it must be the one that"
            " ends in .pub."
        ),
    )
    FINGERPRINT_ONLY = (
        "fingerprint_only",
        "This is a fingerprint, not the key itself. To see the key, run: ssh-add -L",
    )
    NOT_A_KEY = (
        "not_a_key",
        f"This is not an SSH public key. {HOW_TO_FIND} It starts with a type such as ssh-ed25519.",
    )
    TYPE_MISSING = (
        "type_missing",
        (
            "The key type at the start of the line is missing. Copy the whole line, from the type (such as "
            "ssh-ed25519) to the comment."
        ),
    )
    KEY_MISSING = (
        "key_missing",
        "There is a key type but no key after it. Copy the whole line of the public key file.",
    )
    UNKNOWN_TYPE = (
        "unknown_type",
        (
            "Keys of this type are not supported. Use Ed25519, ECDSA (nistp256, 384, 521), RSA of 2048 bits or "
            f"more, or a security key (sk-). {HOW_TO_MAKE}"
        ),
    )
    UNKNOWN_CURVE = (
        "unknown_curve",
        (
            "Keys on this elliptic curve are not supported. Use Ed25519, or ECDSA on nistp256, nistp384 or "
            f"nistp521. {HOW_TO_MAKE}"
        ),
    )
    DSA_KEY = "dsa_key", f"DSA keys (ssh-dss) are no longer safe and OpenSSH refuses them. {HOW_TO_MAKE}"
    SSH1_KEY = (
        "ssh1_key",
        f"This is a key for the old SSH protocol 1, which nothing accepts any more. {HOW_TO_MAKE}",
    )
    CERTIFICATE = (
        "certificate",
        (
            "This is an SSH certificate, not a plain public key. Paste the public key it was made from: the .pub "
            "file without -cert in its name."
        ),
    )
    X509_CERTIFICATE = (
        "x509_certificate",
        (
            "This is an X.509 certificate, not an SSH public key. Paste your SSH public key, the file that ends "
            "in .pub."
        ),
    )
    PGP_KEY = (
        "pgp_key",
        "This is a PGP key, not an SSH public key. If you log in with it, run: gpg --export-ssh-key",
    )
    UNKNOWN_FORM = (
        "unknown_form",
        (
            "This form of key is not known. Paste the one-line OpenSSH form; ssh-keygen -y prints it from the "
            "private key file."
        ),
    )
    BAD_BASE64 = (
        "bad_base64",
        (
            "The key has characters that cannot be there or its '=' signs at the end are wrong. It was changed on"
            f" the way; copy it again. {HOW_TO_FIND}"
        ),
    )
    CUT_OFF = (
        "cut_off",
        f"The key is cut off: its end or middle is missing. Copy the whole line. {HOW_TO_FIND}",
    )
    TRAILING_BYTES = (
        "trailing_bytes",
        f"There is more data after the end of the key; copy it again. {HOW_TO_FIND}",
    )
    MALFORMED = "malformed", f"The data inside the key is damaged; copy it again. {HOW_TO_FIND}"
    TYPE_MISMATCH = (
        "type_mismatch",
        (
            "The type at the start of the line is not the type of the key that follows. Copy the whole line again"
            " and do not edit it."
        ),
    )
    RSA_TOO_SHORT = "rsa_too_short", f"RSA keys need at least 2048 bits. {HOW_TO_MAKE}"
    RSA_TOO_LONG = (
        "rsa_too_long",
        f"RSA keys of more than 16384 bits are not accepted by OpenSSH. {HOW_TO_MAKE}",
    )
    RSA_EXPONENT = (
        "rsa_exponent",
        f"The exponent of this RSA key is unusable: it is damaged or unsafe. {HOW_TO_MAKE}",
    )
    RSA_MODULUS = (
        "rsa_modulus",
        f"The modulus of this RSA key is an even number, so it cannot be a key. {HOW_TO_MAKE}",
    )
    POINT_NOT_ON_CURVE = (
        "point_not_on_curve",
        (
            "The numbers in this ECDSA key do not fit its curve. The key is damaged; copy it again from the "
            "public key file."
        ),
    )
    WRONG_LENGTH = (
        "wrong_length",
        (
            "The key inside has the wrong length for its type. It was changed on the way; copy it again. "
            f"{HOW_TO_FIND}"
        ),
    )
    WEAK_KEY = (
        "weak_key",
        f"This key is one of the few values with which anybody could log in. {HOW_TO_MAKE}",
    )


class KeyRefused(Refused):
    """Raised for a pasted text that is not one usable public key. `before` is put in front of the message."""

    def __init__(self, reason: KeyRefusalReason, before: str = "") -> None:
        super().__init__(reason, f"{before} {reason.message}".strip(), field="public_key")


def is_known_type(word: str) -> bool:
    """Return whether a word is the name of a key type, and so may be repeated in a message."""
    return word in ACCEPTED_TYPES or word in OTHER_TYPES


def refusal_for_type(word: str) -> KeyRefused:
    """Return the refusal for a key of a type that is not accepted."""
    prefix = f"The key is of type {word}." if is_known_type(word) else ""
    if word.endswith(CERTIFICATE_ENDING):
        return KeyRefused(KeyRefusalReason.CERTIFICATE, prefix)
    if word == DSA_TYPE:
        return KeyRefused(KeyRefusalReason.DSA_KEY)
    return KeyRefused(KeyRefusalReason.UNKNOWN_TYPE, prefix)
