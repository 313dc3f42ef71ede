"""Registration: what a node sends is read back, and what is malformed is refused."""

from typing import Any

import pytest

from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.registration import Registration, read_registration

NODE = Registration(("ssh-ed25519 AAAA",), "127.20.1.1", 32100, "127.20.1.1", "ip-127-20-1-1")


def test_a_registration_that_is_sent_is_read_back() -> None:
    assert read_registration(NODE.as_json()) == NODE


@pytest.mark.parametrize(
    "change",
    [
        {"host_keys": []},
        {"host_keys": ["key"] * 9},
        {"host_keys": [1]},
        {"host_keys": ["one\ntwo"]},
        {"host_keys": ["key", " "]},
        {"port": 0},
        {"port": True},
        {"port": "22"},
        {"address": "head"},
        {"address": "fe80::1%eth0\n"},
        {"private_address": None},
        {"hostname": "x" * 81},
        {"hostname": "a\nb"},
    ],
)
def test_a_malformed_registration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_registration({**NODE.as_json(), **change})
    assert refused.value.reason == "bad_registration"
