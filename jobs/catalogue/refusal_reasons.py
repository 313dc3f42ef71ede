"""Why an entry of the catalogue, or a job's choice from it, is refused: stable words for programs. Pure."""

from enum import StrEnum


class CatalogueRefusal(StrEnum):
    """Why it is refused. The REST API returns the value as `reason`: never change one."""

    CORE_TYPE_INVALID = "core_type_invalid"
    ANALYSIS_INVALID = "analysis_invalid"
    CODE_TAKEN = "code_taken"
    ANALYSIS_UNKNOWN = "analysis_unknown"
    VERSION_UNKNOWN = "analysis_version_unknown"
    CORE_TYPE_NOT_ALLOWED = "core_type_not_allowed"
