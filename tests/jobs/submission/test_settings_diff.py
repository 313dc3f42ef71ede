"""What changed since a job began: pure, every kind of difference once."""

from typing import Any

from jobs.submission.settings_diff import changes

LAPTOP = {"name": "Laptop", "fingerprint": "SHA256:a", "public_key": "ssh-ed25519 A", "standing": "active"}
TOKEN = {"name": "Token", "fingerprint": "SHA256:b", "public_key": "ssh-ed25519 B", "standing": "active"}
OFFICE = {"cidr": "10.0.0.0/8", "note": "office", "standing": "active"}


def snapshot(*keys: Any, rules: tuple[Any, ...] = (OFFICE,), ssh_access: bool = True) -> dict[str, Any]:
    return {"ssh_keys": list(keys), "access_rules": list(rules), "ssh_access": ssh_access}


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(change.subject, change.what, change.sentence) for change in changes(then, now)]


def test_nothing_changed() -> None:
    assert differences(snapshot(LAPTOP), snapshot(LAPTOP)) == []


def test_keys_come_and_go() -> None:
    assert differences(snapshot(LAPTOP), snapshot(TOKEN)) == [
        ("ssh_key", "removed", "The key 'Laptop' (SHA256:a) was removed."),
        ("ssh_key", "added", "The key 'Token' (SHA256:b) was added."),
    ]


def test_a_key_is_renamed_and_disabled() -> None:
    now = snapshot({**LAPTOP, "name": "Old laptop", "standing": "disabled"})
    assert differences(snapshot(LAPTOP), now) == [
        ("ssh_key", "renamed", "The key 'Laptop' (SHA256:a) is now named 'Old laptop'."),
        ("ssh_key", "disabled", "The key 'Laptop' (SHA256:a) was disabled."),
    ]


def test_a_key_works_again() -> None:
    then = snapshot({**LAPTOP, "standing": "disabled"})
    assert differences(then, snapshot(LAPTOP)) == [
        ("ssh_key", "active", "The key 'Laptop' (SHA256:a) works again.")
    ]


def test_rules_come_go_and_expire() -> None:
    home = {"cidr": "192.0.2.7/32", "note": "", "standing": "active"}
    then, now = snapshot(rules=(OFFICE, home)), snapshot(rules=({**home, "standing": "expired"},))
    assert differences(then, now) == [
        ("access_rule", "removed", "The rule 10.0.0.0/8 was removed."),
        ("access_rule", "expired", "The rule 192.0.2.7/32 has expired."),
    ]
    assert differences(now, then)[-1] == ("access_rule", "added", "The rule 10.0.0.0/8 was added.")


def test_the_switch() -> None:
    assert differences(snapshot(), snapshot(ssh_access=False)) == [
        ("ssh_access", "off", "SSH access was switched off.")
    ]


def test_a_snapshot_of_an_early_version() -> None:
    old = {
        "ssh_keys": [{"name": "Laptop", "fingerprint": "SHA256:a"}],
        "access_rules": [{"cidr": "10.0.0.0/8"}],
    }
    assert differences(old, snapshot(LAPTOP)) == []
    assert differences({}, snapshot(rules=())) == []
