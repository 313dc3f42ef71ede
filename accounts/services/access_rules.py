"""Add, change and remove a user's access rules."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts import cidr
from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.keys import key_policy
from accounts.models import AccessRule, User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.input_checks import check_expiry, clean_name
from accounts.signals import send_access_changed
from accounts.users.loopback_access import was_given

MAX_RULES = 100


def add_access_rule(
    actor: Actor, owner: User, text: str, note: str = "", expires_at: datetime | None = None
) -> tuple[AccessRule, str | None]:
    """Save one access rule. Return it with a notice for the user, None unless the text was normalised.

    Raises Refused with a reason of `cidr.parse` or `key_policy.check_rule`, or with `name_invalid`, `duplicate_rule`,
    `too_many_rules` or `expiry_past`.
    """
    parsed = cidr.parse(text)
    key_policy.check_rule(parsed.network)
    check_expiry(expires_at)
    note = clean_name(note, field="note", limit=200)
    block = str(parsed.network)
    if (saved := owner.access_rules.filter(cidr=block).first()) is not None:
        if not was_given(saved):
            raise _duplicate(block)
        return _take_over(actor, saved, note, expires_at), parsed.notice
    if owner.access_rules.count() >= MAX_RULES:
        raise Refused(
            RefusalReason.TOO_MANY_RULES,
            f"You have {MAX_RULES} rules, the most allowed. Remove one first.",
            field="cidr",
        )
    try:
        return _save_rule(actor, owner, block, note, expires_at), parsed.notice
    except IntegrityError as error:
        raise _duplicate(block) from error


def _save_rule(actor: Actor, owner: User, block: str, note: str, expires_at: datetime | None) -> AccessRule:
    with transaction.atomic():
        row = AccessRule.objects.create(owner=owner, cidr=block, note=note, expires_at=expires_at)
        action, after = AccountsAuditAction.ACCESS_RULE_ADDED, _rule_facts(row)
        record(actor, action, "access_rule", row.pk, owner=owner, after=after)
        send_access_changed(owner)
    return row


def _take_over(actor: Actor, rule: AccessRule, note: str, expires_at: datetime | None) -> AccessRule:
    """Make a rule that the account began with its owner's own, with their note and expiry."""
    with transaction.atomic():
        before = _rule_facts(rule)
        rule.note, rule.expires_at = note, expires_at
        rule.save(update_fields=["note", "expires_at"])
        action, after = AccountsAuditAction.ACCESS_RULE_ADDED, _rule_facts(rule)
        record(actor, action, "access_rule", rule.pk, owner=rule.owner, before=before, after=after)
        send_access_changed(rule.owner)
    return rule


def _duplicate(block: str) -> Refused:
    return Refused(RefusalReason.DUPLICATE_RULE, f"You already have a rule for {block}.", field="cidr")


def remove_access_rule(actor: Actor, rule: AccessRule) -> None:
    """Delete a rule. Running clusters refuse its addresses within seconds. Idempotent."""
    with transaction.atomic():
        owner, before = rule.owner, _rule_facts(rule)
        if AccessRule.objects.filter(pk=rule.pk).delete()[0]:
            action = AccountsAuditAction.ACCESS_RULE_REMOVED
            record(actor, action, "access_rule", rule.pk, owner=owner, before=before)
            send_access_changed(owner)


def set_rule_expiry(actor: Actor, rule: AccessRule, expires_at: datetime | None) -> AccessRule:
    """Set when a rule stops applying; None means never. Raises Refused (`expiry_past`)."""
    if expires_at == rule.expires_at:
        return rule
    check_expiry(expires_at)
    with transaction.atomic():
        before = _rule_facts(rule)
        rule.expires_at = expires_at
        rule.save(update_fields=["expires_at"])
        action, after = AccountsAuditAction.ACCESS_RULE_EXPIRY_CHANGED, _rule_facts(rule)
        record(actor, action, "access_rule", rule.pk, owner=rule.owner, before=before, after=after)
        send_access_changed(rule.owner)
    return rule


def _rule_facts(rule: AccessRule) -> dict[str, object]:
    expires_at = rule.expires_at.isoformat() if rule.expires_at else None
    return {"cidr": rule.cidr, "note": rule.note, "expires_at": expires_at}
