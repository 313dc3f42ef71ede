"""The access document: which of two holds, how far an address gets, and what a session that ends is told."""

from typing import Any

import pytest

from accounts.keys.validity import Validity
from jobs.node_contract.access_document import (
    AccessDocument,
    Reach,
    SourceRules,
    Withdrawal,
    address_refusal,
    key_refusal,
    read_access_document,
)
from jobs.node_contract.documents import InvalidDocument

IN_FORCE = AccessDocument(("key a", "key b"), ("192.0.2.0/24", "::1"), version=3)


def test_a_document_that_is_written_is_read_back() -> None:
    document = AccessDocument(
        ("key a",), ("192.0.2.0/24",), ("ca",), ("198.51.100.1",), (("SHA256:x", "expired"),), True, 5
    )
    assert read_access_document(document.as_json()) == document


def test_a_newer_document_replaces_and_an_older_one_changes_nothing() -> None:
    newer, older = AccessDocument(("key c",), version=4), AccessDocument(("key c",), version=2)
    assert newer.after(IN_FORCE) is newer
    assert older.after(IN_FORCE) is IN_FORCE


def test_of_two_documents_with_one_version_only_what_both_allow_holds() -> None:
    held = AccessDocument(("key b", "key c"), ("192.0.2.0/24", "10.0.0.0/8"), version=3).after(IN_FORCE)
    assert (held.authorized_keys, held.rules) == (("key b",), ("192.0.2.0/24",))


def test_documents_without_numbers_replace_each_other() -> None:
    unnumbered = AccessDocument(("key c",))
    assert unnumbered.after(AccessDocument(("key a",))) is unnumbered


def test_an_address_gets_as_far_as_the_rules_say() -> None:
    document = AccessDocument(rules=("192.0.2.7/24",), gateway_addresses=("198.51.100.1", "192.0.2.9"))
    rules = SourceRules.from_document(document)
    assert rules.reach("192.0.2.200") is Reach.FULL, "host bits are ignored"
    assert rules.reach("192.0.2.9") is Reach.FULL, "a rule comes before the gateway"
    assert rules.reach("198.51.100.1") is Reach.GATEWAY
    assert rules.reach("198.51.100.2") is Reach.NONE
    assert SourceRules().reach("192.0.2.7") is Reach.NONE


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "invalid_access"),
        ({"rules": ["everywhere"]}, "invalid_rules"),
        ({"gateway_addresses": ["gateway"]}, "invalid_gateway_addresses"),
        ({"authorized_keys": ["one\ntwo"]}, "invalid_authorized_keys"),
        ({"version": -1}, "invalid_version"),
        ({"version": True}, "invalid_version"),
        ({"ssh_access_off": "no"}, "invalid_ssh_access_off"),
        ({"withdrawn": {"SHA256:x": 1}}, "invalid_withdrawn"),
    ],
)
def test_a_malformed_document_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_access_document(document)
    assert refused.value.reason == reason


def test_every_reason_has_its_own_sentence_and_an_unknown_one_the_general_one() -> None:
    sentences = {key_refusal("SHA256:x", reason) for reason in [*Withdrawal, ""]}
    assert len(sentences) == len(Withdrawal) + 1
    assert key_refusal("SHA256:x", "nonsense") == key_refusal("SHA256:x", "")
    assert address_refusal("::ffff:192.0.2.7").startswith("Your address 192.0.2.7 is")


def test_the_portals_words_for_a_key_are_the_contracts() -> None:
    assert {str(reason) for reason in Withdrawal} == {
        each.value for each in Validity if each is not Validity.ACTIVE
    }
