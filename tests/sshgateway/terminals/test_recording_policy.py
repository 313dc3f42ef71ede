"""What is recorded: the person's rule, then the core type's, then the site's; nothing without any."""

from collections.abc import Callable

import pytest

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from sshgateway.models import RecordingRule, TerminalSession
from sshgateway.recording import rules
from sshgateway.terminals.recording_policy import Mode, OnFailure, RecordingPolicyRule, decide

SITE = RecordingPolicyRule(Mode.ON)
EMERALD = RecordingPolicyRule(Mode.ANNOUNCED, OnFailure.END, core_type="emerald")
ALICE = RecordingPolicyRule(Mode.OFF, person_id=1)


@pytest.mark.parametrize(
    ("saved", "person_id", "core_type", "decided"),
    [
        ([], 1, "emerald", RecordingPolicyRule(Mode.OFF)),
        ([SITE], 1, "emerald", SITE),
        ([SITE], 1, "", SITE),
        ([SITE, EMERALD], 2, "emerald", EMERALD),
        ([SITE, EMERALD], 2, "quartz", SITE),
        ([SITE, EMERALD], 2, "", SITE),
        ([SITE, EMERALD, ALICE], 1, "emerald", ALICE),
        ([ALICE, EMERALD, SITE], 1, "quartz", ALICE),
        ([EMERALD], 2, "quartz", RecordingPolicyRule(Mode.OFF)),
        ([ALICE], 2, "emerald", RecordingPolicyRule(Mode.OFF)),
    ],
)
def test_precedence(
    saved: list[RecordingPolicyRule], person_id: int, core_type: str, decided: RecordingPolicyRule
) -> None:
    assert decide(saved, person_id, core_type) == decided
    assert decide(reversed(saved), person_id, core_type) == decided


@pytest.fixture
def root(alice: User) -> Actor:
    alice.is_superuser = True
    alice.save()
    return Actor(alice)


def test_a_session_keeps_what_was_decided_when_it_opened(
    root: Actor, bob: User, make_session: Callable[..., TerminalSession]
) -> None:
    rules.save_rule(root, "announced", "end", core_type="emerald")
    session: TerminalSession = make_session(bob, core_type="emerald")
    rules.save_rule(root, "off", core_type="emerald")
    session.refresh_from_db()
    assert (session.recording, session.recording_on_failure) == ("announced", "end")
    assert make_session(bob, core_type="emerald").recording == "off"
    assert make_session(bob).recording == "off"


def test_a_rule_is_made_changed_and_removed_and_each_is_written_down(root: Actor, bob: User) -> None:
    made = rules.save_rule(root, "on", username="bob")
    changed = rules.save_rule(root, "announced", username="bob")
    assert made.pk == changed.pk
    rules.remove_rule(root, changed)
    assert not RecordingRule.objects.exists()
    events = AuditEvent.objects.filter(action__startswith="sshgateway:recording_rule:").order_by("id")
    assert [(event.before.get("mode"), event.after.get("mode")) for event in events] == [
        (None, "on"),
        ("on", "announced"),
        ("announced", None),
    ]
    assert {event.owner_name for event in events} == {"bob"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mode": "loud"}, "bad_mode"),
        ({"mode": "on", "on_failure": "panic"}, "bad_on_failure"),
        ({"mode": "on", "username": "nobody"}, "no_such_person"),
        ({"mode": "on", "username": "bob", "core_type": "emerald"}, "rule_of_two"),
    ],
)
def test_what_is_no_rule(root: Actor, bob: User, options: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        rules.save_rule(root, **options)
    assert refusal.value.reason == reason
    assert not RecordingRule.objects.exists()


def test_only_administrators_decide(bob: User, root: Actor) -> None:
    row = rules.save_rule(root, "on")
    for verb in (lambda: rules.save_rule(Actor(bob), "off"), lambda: rules.remove_rule(Actor(bob), row)):
        with pytest.raises(Refused) as refusal:
            verb()
        assert (refusal.value.reason, refusal.value.status) == ("not_administrator", 403)
    assert RecordingRule.objects.get().mode == "on"
