"""Why prices are refused: stable words for programs. The messages are where they are raised. Pure."""

from enum import StrEnum


class CostRefusal(StrEnum):
    """Why prices or a report are refused. The REST API returns the value as `reason`: never change one."""

    CORE_TYPE_UNKNOWN = "core_type_unknown"
    PRICE_INVALID = "price_invalid"
    CURRENCY_INVALID = "currency_invalid"
    PERIOD_INVALID = "period_invalid"
    PERSON_UNKNOWN = "person_unknown"


class BudgetRefusal(StrEnum):
    """Why a budget is refused. The REST API returns the value as `reason`: never change one."""

    AMOUNT_INVALID = "amount_invalid"
    SCOPE_INVALID = "scope_invalid"
    SUBJECT_UNKNOWN = "subject_unknown"
    CURRENCY_INVALID = "currency_invalid"
    PERIOD_INVALID = "period_invalid"
