"""Check the arithmetic of elliptic-curve public keys: damaged and unsafe ones are found. Pure."""

from typing import NamedTuple


class Curve(NamedTuple):
    """The NIST prime curve y² = x³ - 3x + b over the field of p, with a group of n points."""

    bits: int
    p: int
    b: int
    n: int

    @property
    def coordinate_bytes(self) -> int:
        """Return the size of a coordinate in bytes."""
        return (self.bits + 7) // 8

    def is_usable_point(self, x: int, y: int) -> bool:
        """Return whether (x, y) is on the curve and OpenSSH accepts it as a public key."""
        if not (0 <= x < self.p and 0 <= y < self.p):
            return False
        # OpenSSH also wants both coordinates longer than half the order's bits and below the order minus 1.
        if min(x.bit_length(), y.bit_length()) <= self.n.bit_length() // 2 or max(x, y) >= self.n - 1:
            return False
        return (y * y - (x * x * x - 3 * x + self.b)) % self.p == 0


NIST_CURVES = {
    "nistp256": Curve(
        bits=256,
        p=2**256 - 2**224 + 2**192 + 2**96 - 1,
        b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    "nistp384": Curve(
        bits=384,
        p=2**384 - 2**128 - 2**96 + 2**32 - 1,
        b=int(
            "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875A"
            "C656398D8A2ED19D2A85C8EDD3EC2AEF",
            16,
        ),
        n=int(
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF"
            "581A0DB248B0A77AECEC196ACCC52973",
            16,
        ),
    ),
    "nistp521": Curve(
        bits=521,
        p=2**521 - 1,
        b=int(
            "0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E1"
            "56193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00",
            16,
        ),
        n=int(
            "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
            "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
            16,
        ),
    ),
}

ED25519_P = 2**255 - 19
# The y coordinates of the points of order 1, 2, 4 and 8, which are unsafe as keys (RFC 7748, section 7).
_SMALL_ORDER_Y = frozenset(
    (
        0,
        1,
        ED25519_P - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    )
)


def ed25519_small_order(key: bytes) -> bool:
    """Return whether an Ed25519 key is a point of small order, for which anybody can forge signatures.

    Does not check that the key is a point at all: OpenSSH does not either, and half of all wrong keys would pass.
    """
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return y % ED25519_P in _SMALL_ORDER_Y
