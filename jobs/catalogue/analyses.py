"""Add, change and retire analyses. Each function is one transaction with one audit event."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused, SeveralRefused
from accounts.users.administrators import check_administrator
from jobs.catalogue.core_types import ONLY_ADMINISTRATORS
from jobs.catalogue.drafts import AnalysisDraft, VersionDraft, analysis_problems
from jobs.catalogue.refusal_reasons import CatalogueRefusal
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Analysis, AnalysisVersion, CoreType

_COLUMNS = ("name", "description", "vendor_name", "accepts_any_version", "display_order", "is_active")


def add_analysis(actor: Actor, draft: AnalysisDraft) -> Analysis:
    """Add an analysis with its versions. Raises SeveralRefused with every problem, Refused (403)."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    _check(draft)
    try:
        with transaction.atomic():
            row = Analysis.objects.create(code=draft.code, **_columns(draft))
            _save_versions(row, draft.versions)
            record(actor, JobsAuditAction.ANALYSIS_ADDED, "analysis", row.pk, after=_facts(row))
    except IntegrityError as error:
        taken = Refused(
            CatalogueRefusal.CODE_TAKEN, f"The code {draft.code} is in use already.", field="code"
        )
        raise SeveralRefused([taken]) from error
    return row


def change_analysis(actor: Actor, analysis: Analysis, changes: Mapping[str, Any]) -> Analysis:
    """Change the given fields of AnalysisDraft. A list of versions replaces the one on offer; the code stays.

    Raises SeveralRefused with every problem, Refused (`not_administrator`, 403).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        row = Analysis.objects.select_for_update().get(pk=analysis.pk)
        before = _facts(row)
        draft = replace(draft_from(row), **{**changes, "code": row.code})
        _check(draft)
        for name, value in _columns(draft).items():
            setattr(row, name, value)
        row.save()
        _save_versions(row, draft.versions)
        if (after := _facts(row)) != before:
            record(actor, JobsAuditAction.ANALYSIS_CHANGED, "analysis", row.pk, before=before, after=after)
    return row


def retire_analysis(actor: Actor, analysis: Analysis) -> None:
    """Offer an analysis no more. Jobs that were saved with it keep it. Idempotent. Raises Refused (403)."""
    change_analysis(actor, analysis, {"is_active": False})


def draft_from(row: Analysis) -> AnalysisDraft:
    """Return the draft that describes the analysis as it is on offer."""
    versions = [
        VersionDraft(
            version.code, version.name, tuple(version.allowed_core_types), version.environment_script
        )
        for version in row.versions.filter(is_active=True)
    ]
    return AnalysisDraft(row.code, versions=versions, **{name: getattr(row, name) for name in _COLUMNS})


def _check(draft: AnalysisDraft) -> None:
    problems = analysis_problems(draft)
    named = {code for version in draft.versions for code in version.allowed_core_types}
    if not problems and (unknown := named - set(CoreType.objects.values_list("code", flat=True))):
        text = f"There is no core type {', '.join(sorted(unknown)[:5])}."
        problems = [Refused(CatalogueRefusal.ANALYSIS_INVALID, text, field="versions")]
    if problems:
        raise SeveralRefused(problems)


def _columns(draft: AnalysisDraft) -> dict[str, Any]:
    return {**{name: getattr(draft, name) for name in _COLUMNS}, "name": draft.name.strip()}


def _save_versions(row: Analysis, versions: Sequence[VersionDraft]) -> None:
    """Save what is on offer. A version that is left out is retired: jobs may have named it."""
    row.versions.exclude(code__in=[version.code for version in versions]).update(is_active=False)
    for order, version in enumerate(versions):
        AnalysisVersion.objects.update_or_create(
            analysis=row,
            code=version.code,
            defaults={
                "name": version.name.strip(),
                "allowed_core_types": list(version.allowed_core_types),
                "environment_script": version.environment_script.replace("\r\n", "\n"),
                "is_active": True,
                "display_order": order,
            },
        )


def _facts(row: Analysis) -> dict[str, Any]:
    """Return the facts for the audit trail. Of scripts only the length is kept: they may be long."""
    versions = [
        f"{version.code} ({', '.join(version.allowed_core_types) or 'every core type'}; "
        f"script of {len(version.environment_script)} characters)"
        for version in row.versions.filter(is_active=True)
    ]
    return {**{name: getattr(row, name) for name in _COLUMNS}, "versions": "; ".join(versions)}
