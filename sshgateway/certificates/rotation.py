"""Rotate an authority's key without interruption: the new key is published, then signs; the old one is trusted longer.

    new key    made, published ----- signs_from: signs ------------------------------->
    old key    signs --------------- retired_at: signs no more ----- trusted_until: not published any more

The time before the new key signs is for those who have to learn of it: people put its line into their known_hosts,
nodes get it by the next push. After that, certificates that the old key signed stay valid for a while.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from sshgateway.audit_actions import GatewayAuditAction
from sshgateway.certificates import authorities
from sshgateway.certificates.sealing import seal, unseal
from sshgateway.models import AuthorityKey
from sshgateway.signals import authority_rotated
from sshgateway.ssh import host_keys

LEAD = {
    # People fetch the portal's lines now and then; nodes are told within seconds.
    AuthorityKey.Kind.HOST: timedelta(days=7),
    AuthorityKey.Kind.USER: timedelta(minutes=2),
}
OVERLAP = timedelta(days=7)


def rotate(
    actor: Actor, kind: AuthorityKey.Kind, *, lead: timedelta | None = None, overlap: timedelta | None = None
) -> AuthorityKey:
    """Return a new key of an authority. It signs after `lead`; from then on the old one is trusted for `overlap`.

    With a `lead` of zero the new key signs at once, and so does one that is published and waits. Raises Refused
    (`rotation_under_way`, 409) when a key waits and `lead` is not zero.
    """
    lead = LEAD[kind] if lead is None else lead
    overlap = OVERLAP if overlap is None else overlap
    now = timezone.now()
    with transaction.atomic():
        authorities.ensure_authorities()
        old = authorities.signing_key(kind)
        newest = AuthorityKey.objects.select_for_update().get(kind=kind, retired_at__isnull=True)
        if newest.pk == old.pk:
            fresh = _add_successor(old, now + lead, overlap)
        elif lead:
            raise Refused(
                "rotation_under_way",
                f"A new key of the {kind} authority is published and signs from "
                f"{newest.signs_from:%Y-%m-%d %H:%M} UTC. Wait until then, or rotate with a lead of 0.",
                status=409,
            )
        else:
            fresh = _bring_forward(old, newest, overlap)
        _erase_retired(kind)
        record(
            actor,
            GatewayAuditAction.AUTHORITY_ROTATED,
            "authority",
            kind,
            before=_facts(AuthorityKey.objects.get(pk=old.pk)),
            after=_facts(fresh),
        )
        transaction.on_commit(lambda: authority_rotated.send(AuthorityKey, kind=kind), robust=True)
    return fresh


def reseal() -> int:
    """Encrypt every private key with the current secret, so that earlier ones can be dropped. Return how many."""
    count = 0
    with transaction.atomic():
        for key in AuthorityKey.objects.select_for_update().exclude(private_key_encrypted=""):
            key.private_key_encrypted = seal(unseal(key.private_key_encrypted))
            key.save(update_fields=["private_key_encrypted"])
            count += 1
    return count


def _add_successor(old: AuthorityKey, signs_from: datetime, overlap: timedelta) -> AuthorityKey:
    old.retired_at = signs_from
    old.trusted_until = signs_from + overlap
    old.save(update_fields=["retired_at", "trusted_until"])
    return AuthorityKey.objects.create(kind=old.kind, signs_from=signs_from, **authorities.new_key_fields())


def _bring_forward(old: AuthorityKey, waiting: AuthorityKey, overlap: timedelta) -> AuthorityKey:
    now = timezone.now()
    old.retired_at, old.trusted_until = now, now + overlap
    old.save(update_fields=["retired_at", "trusted_until"])
    waiting.signs_from = now
    waiting.save(update_fields=["signs_from"])
    return waiting


def _erase_retired(kind: AuthorityKey.Kind) -> None:
    """Erase the private keys that no longer sign, so that nobody can steal them."""
    AuthorityKey.objects.filter(kind=kind, retired_at__lte=timezone.now()).update(private_key_encrypted="")


def _facts(key: AuthorityKey) -> dict[str, str]:
    times = {name: getattr(key, name) for name in ("signs_from", "retired_at", "trusted_until")}
    return {"fingerprint": host_keys.fingerprint(key.public_key)} | {
        name: at.isoformat() for name, at in times.items() if at is not None
    }
