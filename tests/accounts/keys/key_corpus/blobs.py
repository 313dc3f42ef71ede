"""Build key blobs by hand: security keys, unusual numbers, every mistake a blob can have."""

import base64

P256_GENERATOR = bytes.fromhex(
    "04"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
ED25519_BYTES = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def strings(*parts: bytes) -> bytes:
    """Return the parts, each with its length in front."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def number(value: int) -> bytes:
    """Return a positive number in the protocol's shortest form."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def line(kind: str, blob: bytes, comment: str = "alice@laptop") -> str:
    """Return a one-line public key."""
    return f"{kind} {base64.b64encode(blob).decode()} {comment}"


def ed25519(key: bytes = ED25519_BYTES) -> bytes:
    """Return a plain Ed25519 blob."""
    return strings(b"ssh-ed25519", key)


def sk_ed25519(application: bytes = b"ssh:", key: bytes = ED25519_BYTES) -> bytes:
    """Return the blob of an Ed25519 key on a security key."""
    return strings(b"sk-ssh-ed25519@openssh.com", key, application)


def sk_ecdsa(application: bytes = b"ssh:", point: bytes = P256_GENERATOR) -> bytes:
    """Return the blob of an ECDSA key on a security key."""
    return strings(b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", point, application)


def ecdsa(point: bytes = P256_GENERATOR, curve: bytes = b"nistp256") -> bytes:
    """Return a plain ECDSA blob on nistp256."""
    return strings(b"ecdsa-sha2-nistp256", curve, point)


def rsa(bits: int = 2048, exponent: int = 65537, modulus: int | None = None) -> bytes:
    """Return an RSA blob whose modulus is just an odd number of that size."""
    return strings(b"ssh-rsa", number(exponent), number(modulus or (1 << (bits - 1)) + 0x10001))


def dsa() -> bytes:
    """Return a blob of the shape of a DSA key."""
    return strings(b"ssh-dss", *(number((1 << bits) + 1) for bits in (1023, 159, 1022, 1021)))
