"""Add, change and remove a user's SSH public keys."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit.actions import AccountsAuditAction, AuditAction
from accounts.audit.trail import Actor, record
from accounts.keys import key_policy, public_keys
from accounts.keys.key_material import key_material_in
from accounts.keys.public_keys import PublicKey
from accounts.models import SSHKey, User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.input_checks import check_expiry, clean_name
from accounts.signals import send_access_changed

MAX_KEYS = 50


def add_ssh_key(
    actor: Actor, owner: User, name: str, text: str, expires_at: datetime | None = None
) -> SSHKey:
    """Save one public key.

    Raises Refused with a reason of `clean_name`, `public_keys.parse` or `key_policy.check_key`, or with
    `duplicate_key`, `too_many_keys` or `expiry_past`.
    """
    name = clean_name(name)
    key = public_keys.parse(text)
    key_policy.check_key(key)
    check_expiry(expires_at)
    name = name or _name_in(key) or f"{key.type} key"
    if owner.ssh_keys.filter(fingerprint=key.fingerprint).exists():
        raise _duplicate()
    if owner.ssh_keys.count() >= MAX_KEYS:
        raise Refused(
            RefusalReason.TOO_MANY_KEYS,
            f"You have {MAX_KEYS} keys, the most allowed. Remove one first.",
            field="public_key",
        )
    try:
        return _save_key(actor, owner, name, key, expires_at)
    except IntegrityError as error:  # the same key, saved from two tabs at once
        raise _duplicate() from error


def _name_in(key: PublicKey) -> str:
    """Return the key's comment if it can be a name, else nothing."""
    comment = " ".join(key.comment[:100].split())
    return "" if key_material_in(comment) else comment


def _save_key(actor: Actor, owner: User, name: str, key: PublicKey, expires_at: datetime | None) -> SSHKey:
    with transaction.atomic():
        row = SSHKey.objects.create(
            owner=owner,
            name=name,
            public_key=key.line,
            type=key.type,
            bits=key.bits,
            fingerprint=key.fingerprint,
            expires_at=expires_at,
        )
        action, after = AccountsAuditAction.SSH_KEY_ADDED, _key_facts(row)
        record(actor, action, "ssh_key", row.pk, owner=owner, after=after)
        send_access_changed(owner)
    return row


def _duplicate() -> Refused:
    message = "You have already saved this key. Each key needs to be saved once only."
    return Refused(RefusalReason.DUPLICATE_KEY, message, field="public_key")


def rename_ssh_key(actor: Actor, key: SSHKey, name: str) -> SSHKey:
    """Rename a key. Raises Refused with a reason of `clean_name`."""
    name = clean_name(name)
    if not name:
        raise Refused(RefusalReason.NAME_INVALID, "Give the key a name.", field="name")
    _change_key(actor, key, AccountsAuditAction.SSH_KEY_RENAMED, name=name)
    return key


def set_key_expiry(actor: Actor, key: SSHKey, expires_at: datetime | None) -> SSHKey:
    """Set when a key stops working; None means never. Raises Refused (`expiry_past`)."""
    if expires_at == key.expires_at:
        return key
    check_expiry(expires_at)
    action = AccountsAuditAction.SSH_KEY_EXPIRY_CHANGED
    _change_key(actor, key, action, expires_at=expires_at, reminded_at=None)
    return key


def disable_ssh_key(actor: Actor, key: SSHKey) -> SSHKey:
    """Disable a key: it is kept but grants no access. Idempotent."""
    if key.disabled_at is None:
        _change_key(actor, key, AccountsAuditAction.SSH_KEY_DISABLED, disabled_at=timezone.now())
    return key


def enable_ssh_key(actor: Actor, key: SSHKey) -> SSHKey:
    """Enable a disabled key. Idempotent. Raises Refused like `key_policy.check_key`."""
    if key.disabled_at is not None:
        if problem := key_policy.problem_of_key(key.type, key.bits):
            raise Refused(*problem, field="disabled")
        _change_key(actor, key, AccountsAuditAction.SSH_KEY_ENABLED, disabled_at=None)
    return key


def remove_ssh_key(actor: Actor, key: SSHKey) -> None:
    """Delete a key. Running clusters stop accepting it within seconds. Idempotent."""
    with transaction.atomic():
        owner, before = key.owner, _key_facts(key)
        if SSHKey.objects.filter(pk=key.pk).delete()[0]:
            record(actor, AccountsAuditAction.SSH_KEY_REMOVED, "ssh_key", key.pk, owner=owner, before=before)
            send_access_changed(owner)


def note_key_use(
    owner: User, fingerprint: str, at: datetime, source_address: str, job_id: str
) -> SSHKey | None:
    """Save a key's latest use, as a node reported it. Return the key; None if the user has no such key."""
    keys = SSHKey.objects.filter(owner=owner, fingerprint=fingerprint)
    keys.filter(Q(last_used_at=None) | Q(last_used_at__lt=at)).update(
        last_used_at=at, last_used_from=source_address, last_used_job=job_id
    )
    return keys.first()


def _change_key(actor: Actor, key: SSHKey, action: AuditAction, **fields: object) -> None:
    """Save the fields of a key, record it, and send `access_changed` so that running clusters are updated."""
    with transaction.atomic():
        before = _key_facts(key)
        for name, value in fields.items():
            setattr(key, name, value)
        key.save(update_fields=list(fields))
        record(actor, action, "ssh_key", key.pk, owner=key.owner, before=before, after=_key_facts(key))
        send_access_changed(key.owner)


def _key_facts(key: SSHKey) -> dict[str, object]:
    return {
        "name": key.name,
        "type": key.type,
        "bits": key.bits,
        "fingerprint": key.fingerprint,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "disabled": key.disabled_at is not None,
    }
