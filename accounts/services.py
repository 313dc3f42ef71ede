"""Everything a person can change about themselves: one verb, one transaction, one audit event.

Pages, the REST API, commands and tests call these; nothing else writes these rows. Refusals are `Refused`
with a stable reason and a sentence.
"""

import hashlib
import secrets
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import cidr as cidrs
from accounts import signals
from accounts.audit.trail import Actor, record
from accounts.keys import key_policy, public_keys
from accounts.models import AccessRule, APIToken, JobSettings, SSHKey, User
from accounts.refusals import Refused

MAX_KEYS = 50
MAX_RULES = 100
MAX_TOKENS = 50
TOKEN_PREFIX = "hn_"  # noqa: S105 (public: people and scanners recognise our tokens by it)


def clean_name(value: str, field: str = "name", limit: int = 100) -> str:
    """A name for a person's own thing: trimmed, printable, at most `limit` characters.

    Raises Refused (`name_invalid`).
    """
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name.isprintable() or len(name) > limit:
        raise Refused(
            "name_invalid", f"A name has at most {limit} characters, all of them printable.", field=field
        )
    return name


def _tell(owner: User) -> None:
    # Robust: with Redis away the change is saved all the same, and is found by those who look at the rows.
    transaction.on_commit(lambda: signals.access_changed.send(sender=User, owner=owner), robust=True)


def job_settings(owner: User) -> JobSettings:
    """The person's job settings, made with their defaults on first use."""
    return JobSettings.objects.get_or_create(owner=owner)[0]


def check_expiry(expires_at: datetime | None) -> None:
    """Raise Refused (`expiry_past`) for a moment that has gone by."""
    if expires_at is not None and expires_at <= timezone.now():
        raise Refused("expiry_past", "The expiry must lie in the future.", field="expires_at")


def add_ssh_key(
    actor: Actor, owner: User, name: str, text: str, expires_at: datetime | None = None
) -> SSHKey:
    """Save one public key.

    Raises Refused with the reason of `public_keys.parse` or `floor.check_key`, `duplicate_key` or `expiry_past`.
    """
    key = public_keys.parse(text)
    key_policy.check_key(key)
    check_expiry(expires_at)
    name = clean_name(name) or clean_name(key.comment[:100]) or f"{key.type} key"
    duplicate = Refused(
        "duplicate_key",
        "You have already saved this key. Each key needs to be saved once only.",
        field="public_key",
        status=400,
    )
    if owner.ssh_keys.filter(fingerprint=key.fingerprint).exists():
        raise duplicate
    if owner.ssh_keys.count() >= MAX_KEYS:
        raise Refused(
            "too_many_keys",
            f"You have {MAX_KEYS} keys, the most allowed. Remove one first.",
            field="public_key",
        )
    try:
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
            record(actor, "accounts:ssh_key:added", "ssh_key", row.id, owner=owner, after=_key_facts(row))
            _tell(owner)
    except IntegrityError as error:  # two tabs, one key
        raise duplicate from error
    return row


def rename_ssh_key(actor: Actor, key: SSHKey, name: str) -> SSHKey:
    """Give a key another name. Raises Refused (`name_invalid`)."""
    name = clean_name(name)
    if not name:
        raise Refused("name_invalid", "Give the key a name.", field="name")
    _change_key(actor, key, "renamed", name=name)
    return key


def set_key_expiry(actor: Actor, key: SSHKey, expires_at: datetime | None) -> SSHKey:
    """Have a key stop to work at a moment, or never (None). Raises Refused (`expiry_past`)."""
    if expires_at == key.expires_at:
        return key
    check_expiry(expires_at)
    _change_key(actor, key, "expiry_changed", expires_at=expires_at, reminded_at=None)
    return key


def disable_ssh_key(actor: Actor, key: SSHKey) -> SSHKey:
    """Keep a key and let nobody in with it. Idempotent."""
    if key.disabled_at is None:
        _change_key(actor, key, "disabled", disabled_at=timezone.now())
    return key


def enable_ssh_key(actor: Actor, key: SSHKey) -> SSHKey:
    """Let a disabled key open clusters again. Idempotent. Raises Refused like `floor.check_key`."""
    if key.disabled_at is not None:
        if problem := key_policy.problem_of_key(key.type, key.bits):
            raise Refused(*problem, field="disabled")
        _change_key(actor, key, "enabled", disabled_at=None)
    return key


def _change_key(actor: Actor, key: SSHKey, what: str, **fields: object) -> None:
    """Save the fields of a key with their audit event; running clusters hear of it."""
    with transaction.atomic():
        before = _key_facts(key)
        for name, value in fields.items():
            setattr(key, name, value)
        key.save(update_fields=list(fields))
        action, after = f"accounts:ssh_key:{what}", _key_facts(key)
        record(actor, action, "ssh_key", key.id, owner=key.owner, before=before, after=after)
        _tell(key.owner)


def note_key_use(
    owner: User, fingerprint: str, at: datetime, source_address: str, job_id: str
) -> SSHKey | None:
    """Remember the newest use of a key, as a node told it; the key, or None when the person has no such key."""
    keys = SSHKey.objects.filter(owner=owner, fingerprint=fingerprint)
    keys.filter(Q(last_used_at=None) | Q(last_used_at__lt=at)).update(
        last_used_at=at, last_used_from=source_address, last_used_job=job_id
    )
    return keys.first()


def remove_ssh_key(actor: Actor, key: SSHKey) -> None:
    """Forget a key. Running clusters stop accepting it as soon as they hear of it."""
    with transaction.atomic():
        record(actor, "accounts:ssh_key:removed", "ssh_key", key.id, owner=key.owner, before=_key_facts(key))
        owner = key.owner
        key.delete()
        _tell(owner)


def _key_facts(key: SSHKey) -> dict[str, object]:
    return {
        "name": key.name,
        "type": key.type,
        "bits": key.bits,
        "fingerprint": key.fingerprint,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "disabled": key.disabled_at is not None,
    }


def add_access_rule(
    actor: Actor, owner: User, cidr: str, note: str = "", expires_at: datetime | None = None
) -> tuple[AccessRule, str | None]:
    """Save one access rule; also answers a notice when the text was normalised.

    Raises Refused with the reason of `cidr.parse` or `floor.check_rule`, `duplicate_rule` or `expiry_past`.
    """
    rule = cidrs.parse(cidr)
    key_policy.check_rule(rule.network)
    check_expiry(expires_at)
    note = clean_name(note, field="note", limit=200)
    text = str(rule.network)
    duplicate = Refused("duplicate_rule", f"You already have a rule for {text}.", field="cidr")
    if owner.access_rules.filter(cidr=text).exists():
        raise duplicate
    if owner.access_rules.count() >= MAX_RULES:
        raise Refused(
            "too_many_rules", f"You have {MAX_RULES} rules, the most allowed. Remove one first.", field="cidr"
        )
    try:
        with transaction.atomic():
            row = AccessRule.objects.create(owner=owner, cidr=text, note=note, expires_at=expires_at)
            facts = _rule_facts(row)
            record(actor, "accounts:access_rule:added", "access_rule", row.id, owner=owner, after=facts)
            _tell(owner)
    except IntegrityError as error:
        raise duplicate from error
    return row, rule.notice


def remove_access_rule(actor: Actor, rule: AccessRule) -> None:
    """Drop a rule. Running clusters refuse its addresses as soon as they hear of it."""
    with transaction.atomic():
        owner, facts = rule.owner, _rule_facts(rule)
        record(actor, "accounts:access_rule:removed", "access_rule", rule.id, owner=owner, before=facts)
        rule.delete()
        _tell(owner)


def set_rule_expiry(actor: Actor, rule: AccessRule, expires_at: datetime | None) -> AccessRule:
    """Have a rule stop to hold at a moment, or never (None). Raises Refused (`expiry_past`)."""
    if expires_at == rule.expires_at:
        return rule
    check_expiry(expires_at)
    with transaction.atomic():
        before = _rule_facts(rule)
        rule.expires_at = expires_at
        rule.save(update_fields=["expires_at"])
        action, after = "accounts:access_rule:expiry_changed", _rule_facts(rule)
        record(actor, action, "access_rule", rule.id, owner=rule.owner, before=before, after=after)
        _tell(rule.owner)
    return rule


def _rule_facts(rule: AccessRule) -> dict[str, object]:
    expires_at = rule.expires_at.isoformat() if rule.expires_at else None
    return {"cidr": rule.cidr, "note": rule.note, "expires_at": expires_at}


def update_job_settings(
    actor: Actor,
    owner: User,
    auto_terminate_cluster: bool | None = None,
    ssh_access: bool | None = None,
) -> JobSettings:
    """Change the switches that are given; the others stay."""
    row = job_settings(owner)
    before = {"auto_terminate_cluster": row.auto_terminate_cluster, "ssh_access": row.ssh_access}
    after = {
        "auto_terminate_cluster": before["auto_terminate_cluster"]
        if auto_terminate_cluster is None
        else auto_terminate_cluster,
        "ssh_access": before["ssh_access"] if ssh_access is None else ssh_access,
    }
    if after == before:
        return row
    with transaction.atomic():
        row.auto_terminate_cluster = after["auto_terminate_cluster"]
        row.ssh_access = after["ssh_access"]
        row.save(update_fields=["auto_terminate_cluster", "ssh_access"])
        record(
            actor,
            "accounts:job_settings:changed",
            "job_settings",
            row.id,
            owner=owner,
            before=before,
            after=after,
        )
        if after["ssh_access"] != before["ssh_access"]:
            _tell(owner)
    return row


def create_api_token(
    actor: Actor, owner: User, name: str, expires_at: datetime | None = None
) -> tuple[APIToken, str]:
    """Make a token with all rights of `owner`. The secret is answered here and never again."""
    name = clean_name(name)
    if not name:
        raise Refused("name_invalid", "Give the token a name, for example the program's.", field="name")
    check_expiry(expires_at)
    if owner.api_tokens.count() >= MAX_TOKENS:
        raise Refused("too_many_tokens", f"You have {MAX_TOKENS} tokens, the most allowed. Revoke one first.")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = APIToken.objects.create(
            owner=owner,
            name=name,
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            prefix=secret[:8],
            expires_at=expires_at,
        )
        record(actor, "accounts:api_token:added", "api_token", token.id, owner=owner, after={"name": name})
    return token, secret


def revoke_api_token(actor: Actor, token: APIToken) -> None:
    """End a token at once."""
    with transaction.atomic():
        record(
            actor,
            "accounts:api_token:revoked",
            "api_token",
            token.id,
            owner=token.owner,
            before={"name": token.name},
        )
        token.delete()
