"""Add, change and retire core types. Each function is one transaction with one audit event."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from django.db import IntegrityError, transaction

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused, SeveralRefused
from accounts.users.administrators import check_administrator
from jobs.catalogue.drafts import CoreTypeDraft, core_type_problems
from jobs.catalogue.refusal_reasons import CatalogueRefusal
from jobs.costs import rate_card
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import CoreType

ONLY_ADMINISTRATORS = "Only an administrator can change the catalogue. Ask yours."


def add_core_type(actor: Actor, draft: CoreTypeDraft) -> CoreType:
    """Add a core type. Raises SeveralRefused with every problem, Refused (`not_administrator`, 403)."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    _check(draft)
    try:
        with transaction.atomic():
            # Locked: the rate card may be changing the currency of all of them.
            currencies = (
                CoreType.objects.select_for_update().order_by("pk").values_list("currency", flat=True)
            )
            currency = next(iter(currencies), "USD")
            row = CoreType.objects.create(**_columns(draft), currency=currency)
            record(actor, JobsAuditAction.CORE_TYPE_ADDED, "core_type", row.pk, after=_facts(row))
    except IntegrityError as error:
        raise SeveralRefused([_code_taken(draft.code)]) from error
    return row


def change_core_type(actor: Actor, core_type: CoreType, changes: Mapping[str, Any]) -> CoreType:
    """Change the given fields of CoreTypeDraft. The code stays. Jobs that run keep their nodes as they are.

    A changed price is a change of the rate card: it holds from now on.

    Raises SeveralRefused with every problem, Refused (`not_administrator`, 403).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        row = CoreType.objects.select_for_update().get(pk=core_type.pk)
        before = _facts(row)
        draft = replace(draft_from(row), **{**changes, "code": row.code})
        _check(draft)
        price = (row.price_per_core_hour, row.currency)
        for name, value in _columns(draft).items():
            setattr(row, name, value)
        if (row.price_per_core_hour, row.currency) != price:
            rate_card.append_to_history(actor, [row])  # it counts from now on, never backwards
        row.save()
        if (after := _facts(row)) != before:
            record(actor, JobsAuditAction.CORE_TYPE_CHANGED, "core_type", row.pk, before=before, after=after)
    return row


def retire_core_type(actor: Actor, core_type: CoreType) -> None:
    """Offer a core type no more. Jobs that were submitted with it are not affected. Idempotent.

    Raises Refused (`not_administrator`, 403).
    """
    change_core_type(actor, core_type, {"is_active": False})


def draft_from(row: CoreType) -> CoreTypeDraft:
    """Return the draft that describes the core type as it is."""
    return CoreTypeDraft(**{field.name: getattr(row, field.name) for field in fields(CoreTypeDraft)})


def _check(draft: CoreTypeDraft) -> None:
    if problems := core_type_problems(draft):
        raise SeveralRefused(problems)
    if CoreType.objects.filter(code__iexact=draft.code).exclude(code=draft.code).exists():
        raise SeveralRefused([_code_taken(draft.code)])


def _code_taken(code: str) -> Refused:
    return Refused(CatalogueRefusal.CODE_TAKEN, f"The code {code} is in use already.", field="code")


def _columns(draft: CoreTypeDraft) -> dict[str, Any]:
    return {**asdict(draft), "name": draft.name.strip(), "cores": list(draft.cores)}


def _facts(row: CoreType) -> dict[str, Any]:
    facts = {field.name: getattr(row, field.name) for field in fields(CoreTypeDraft)}
    return {**facts, "price_per_core_hour": f"{row.price_per_core_hour:.4f}"}
