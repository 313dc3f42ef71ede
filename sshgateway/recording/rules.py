"""Store the recording policy as rules, and find the rule for a terminal that opens."""

from django.db import transaction
from django.db.models import Q

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import check_administrator
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.models import RecordingRule
from sshgateway.terminals import recording_policy
from sshgateway.terminals.recording_policy import Mode, OnFailure, RecordingPolicyRule

ONLY_ADMINISTRATORS = "Only an administrator can decide what is recorded. Ask yours."


def rule_in_force(person: User, core_type: str) -> RecordingPolicyRule:
    """Return the rule for a terminal that this person opens now on this core type (empty: on a machine)."""
    rows = RecordingRule.objects.filter(
        Q(person=person) | Q(person__isnull=True, core_type__in={"", core_type})
    )
    return recording_policy.decide([row.rule for row in rows], person.pk, core_type)


def save_rule(
    actor: Actor,
    mode: str,
    on_failure: str = OnFailure.GO_ON,
    *,
    username: str = "",
    core_type: str = "",
) -> RecordingRule:
    """Create or change the rule for a person, for a core type, or (neither) for the site. Applies to new terminals.

    Raises Refused: `not_administrator` (403), `bad_mode`, `bad_on_failure`, `no_such_person`, `rule_of_two` (400).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    if mode not in set(Mode):
        raise Refused("bad_mode", "Choose off, on, or on and announced.", field="mode")
    if on_failure not in set(OnFailure):
        raise Refused("bad_on_failure", "Choose whether the shell goes on or ends.", field="on_failure")
    if username and core_type:
        raise Refused("rule_of_two", "A rule is of a person or of a core type, not of both.", field="person")
    person = None
    if username:
        person = User.objects.filter(username=username).first()
        if person is None:
            raise Refused("no_such_person", "Nobody of this name has an account here.", field="person")
    with transaction.atomic():
        before = RecordingRule.objects.filter(person=person, core_type=core_type).first()
        row, _ = RecordingRule.objects.update_or_create(
            person=person, core_type=core_type, defaults={"mode": mode, "on_failure": on_failure}
        )
        _record(actor, GatewayAuditAction.RECORDING_RULE_SAVED, row, before=_facts(before), after=_facts(row))
    return row


def remove_rule(actor: Actor, row: RecordingRule) -> None:
    """Remove a rule, so that a less specific one decides again. Raises Refused (`not_administrator`, 403)."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        _record(actor, GatewayAuditAction.RECORDING_RULE_REMOVED, row, before=_facts(row), after={})
        row.delete()


def rule_name(row: RecordingRule) -> str:
    """Return whom or what a rule is for, in words."""
    if row.person is not None:
        return row.person.get_username()
    return row.core_type or "the whole site"


def _facts(row: RecordingRule | None) -> dict[str, str]:
    if row is None:
        return {}
    return {"name": rule_name(row), "mode": row.mode, "on_failure": row.on_failure}


def _record(
    actor: Actor,
    action: GatewayAuditAction,
    row: RecordingRule,
    *,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    record(
        actor,
        action,
        "recording_rule",
        row.pk,
        owner=row.person,
        before=before,
        after=after,
    )
