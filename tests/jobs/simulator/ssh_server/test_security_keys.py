"""Keys on a security key (sk-*): the node accepts its signatures only if it was touched."""

import base64
import hashlib
from collections.abc import Iterator

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts.keys.public_keys import parse
from tests.accounts.keys.key_corpus import blobs
from tests.jobs.simulator.cloud.test_logins import logins, newest
from tests.jobs.simulator.simulator_process import Cluster
from tests.waiting import LIMIT

TOUCHED, UNTOUCHED = 1, 0
APPLICATION = b"ssh:headnode"


class SecurityKey(paramiko.PKey):
    """A security key in software: signs as OpenSSH's PROTOCOL.u2f says, over the application and a counter."""

    kind: str
    blob: bytes

    def __init__(self, flags: int = TOUCHED) -> None:
        self.flags, self.counter = flags, 41

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`, as this kind of key encodes it."""
        raise NotImplementedError

    def get_name(self) -> str:
        return self.kind

    def asbytes(self) -> bytes:
        return self.blob

    def can_sign(self) -> bool:
        return True

    @property
    def line(self) -> str:
        return f"{self.kind} {base64.b64encode(self.blob).decode()} alice@token"

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        self.counter += 1
        tail = bytes([self.flags]) + self.counter.to_bytes(4, "big")
        signed = hashlib.sha256(APPLICATION).digest() + tail + hashlib.sha256(data).digest()
        message = paramiko.Message()
        message.add_string(self.kind)
        message.add_string(self.sign(signed))
        message.add_bytes(tail)
        return message


class Ed25519SecurityKey(SecurityKey):
    kind = "sk-ssh-ed25519@openssh.com"

    def __init__(self, flags: int = TOUCHED) -> None:
        super().__init__(flags)
        self.secret = Ed25519PrivateKey.generate()
        self.blob = blobs.sk_ed25519(APPLICATION, self.secret.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        return self.secret.sign(data)


class EcdsaSecurityKey(SecurityKey):
    kind = "sk-ecdsa-sha2-nistp256@openssh.com"

    def __init__(self, flags: int = TOUCHED) -> None:
        super().__init__(flags)
        self.secret = ec.generate_private_key(ec.SECP256R1())
        point = self.secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.blob = blobs.sk_ecdsa(APPLICATION, point)

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.secret.sign(data, ec.ECDSA(SHA256())))
        return blobs.strings(blobs.number(r), blobs.number(s))


@pytest.fixture
def restored(cluster: Cluster) -> Iterator[Cluster]:
    yield cluster
    assert cluster.access().status_code == 200


def log_in(cluster: Cluster, key: SecurityKey) -> str:
    node = cluster.nodes()["head"]
    transport = paramiko.Transport((node["address"], node["port"]))
    transport.banner_timeout = transport.auth_timeout = LIMIT
    try:
        transport.start_client(timeout=LIMIT)
        transport.auth_publickey(cluster.user, key)
        channel = transport.open_session(timeout=LIMIT)
        channel.exec_command("echo in")
        return channel.makefile().read().decode().strip()
    finally:
        transport.close()


@pytest.mark.parametrize("kind", [Ed25519SecurityKey, EcdsaSecurityKey])
def test_a_security_key_logs_in(restored: Cluster, kind: type[SecurityKey]) -> None:
    key = kind()
    # From the pasted line to the node, byte for byte.
    pushed = parse(key.line).line
    assert pushed == key.line
    restored.access(authorized_keys=[pushed])
    before = newest(restored)
    assert log_in(restored, key) == "in"
    (record,) = logins(restored, before)
    assert record["fingerprint"] == parse(key.line).fingerprint


@pytest.mark.parametrize("kind", [Ed25519SecurityKey, EcdsaSecurityKey])
def test_without_a_touch_it_is_refused(restored: Cluster, kind: type[SecurityKey]) -> None:
    key = kind(UNTOUCHED)
    restored.access(authorized_keys=[key.line])
    with pytest.raises(paramiko.AuthenticationException):
        log_in(restored, key)


def test_another_application_is_refused(restored: Cluster) -> None:
    key = Ed25519SecurityKey()
    other = blobs.sk_ed25519(b"ssh:other", key.secret.public_key().public_bytes_raw())
    restored.access(authorized_keys=[blobs.line(key.kind, other)])
    key.blob = other
    with pytest.raises(paramiko.AuthenticationException):
        log_in(restored, key)


def test_the_plain_key_inside_does_not_stand_for_it(restored: Cluster) -> None:
    key = Ed25519SecurityKey()
    plain = blobs.ed25519(key.secret.public_key().public_bytes_raw())
    restored.access(authorized_keys=[blobs.line("ssh-ed25519", plain)])
    with pytest.raises(paramiko.AuthenticationException):
        log_in(restored, key)
