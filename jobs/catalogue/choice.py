"""Find the analysis and version that a job names."""

from dataclasses import dataclass

from accounts.refusals import Refused
from jobs.catalogue.refusal_reasons import CatalogueRefusal
from jobs.models import Analysis, AnalysisVersion

MAX_NAMED = 30
# As long as the columns.
MAX_CODE = 80


@dataclass(frozen=True)
class ChosenVersion:
    """The version of an analysis that a job will have. No allowed core types means every one."""

    code: str
    allowed_core_types: tuple[str, ...]


def can_be_code(text: str) -> bool:
    """Return whether a text can be a code at all: no database need be asked for one with NUL."""
    return len(text) <= MAX_CODE and text.isprintable()


def chosen_version(analysis_code: str, asked: str | None) -> ChosenVersion:
    """Return the version that is on offer under this code or name; without one, the default.

    Raises Refused (`analysis_unknown`, `analysis_version_unknown`).
    """
    known = Analysis.objects.filter(code=analysis_code, is_active=True)
    analysis = known.first() if can_be_code(analysis_code) else None
    if analysis is None:
        codes = list(Analysis.objects.filter(is_active=True).values_list("code", flat=True)[:MAX_NAMED])
        text = f"There is no analysis with this code. Choose one of: {', '.join(codes)}."
        raise Refused(CatalogueRefusal.ANALYSIS_UNKNOWN, text, field="code")
    versions = list(analysis.versions.filter(is_active=True))
    found = next((version for version in versions if asked in (None, "", version.code, version.name)), None)
    if found is not None:
        return ChosenVersion(found.code, tuple(found.allowed_core_types))
    if analysis.accepts_any_version and can_be_code(str(asked)):
        return ChosenVersion(str(asked), ())
    text = f"{analysis.name} has no such version. Choose one of: {', '.join(v.code for v in versions)}."
    raise Refused(CatalogueRefusal.VERSION_UNKNOWN, text, field="version")


def check_core_type(version: ChosenVersion, core_type: str) -> Refused | None:
    """Return why a version cannot run on a core type; None if it can."""
    if not version.allowed_core_types or core_type in version.allowed_core_types:
        return None
    text = f"This version runs on other core types: {', '.join(version.allowed_core_types)}."
    return Refused(CatalogueRefusal.CORE_TYPE_NOT_ALLOWED, text, field="coreType")


def environment_script(analysis_code: str, version_code: str) -> str:
    """Return what is done before the command of a job with this analysis, also if it was retired meanwhile.

    A version of the person's own naming has the script of the default.
    """
    versions = AnalysisVersion.objects.filter(analysis=analysis_code)
    found = versions.filter(code=version_code).first()
    if found is None:
        found = versions.filter(analysis__accepts_any_version=True, is_active=True).first()
    return found.environment_script if found else ""


def analysis_names() -> dict[str, str]:
    """Return the names of all analyses by code, of retired ones too."""
    return dict(Analysis.objects.values_list("code", "name"))
