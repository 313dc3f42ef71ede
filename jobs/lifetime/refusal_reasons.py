"""Why an extension or a removal is refused: stable words for programs. The messages are where they are raised. Pure."""

from enum import StrEnum


class LifetimeRefusal(StrEnum):
    """Why an extension or a removal is refused. The REST API returns the value as `reason`: never change one."""

    NOT_SUBMITTED = "not_submitted"
    NOTHING_TO_EXTEND = "nothing_to_extend"
    DEADLINE_PASSED = "deadline_passed"
    BAD_EXTENSION = "bad_extension"
    BEYOND_POLICY = "beyond_policy"
    BEYOND_BUDGET = "beyond_budget"
    ALREADY_STOPPING = "already_stopping"
