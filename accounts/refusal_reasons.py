"""Why accounts refuses a request: stable words for programs. The messages are written where they are raised."""

from enum import StrEnum


class RefusalReason(StrEnum):
    """Why accounts refuses a request. The API returns the value as `reason`: never change one."""

    NAME_INVALID = "name_invalid"
    NAME_PRIVATE_KEY = "name_private_key"
    NAME_PUBLIC_KEY = "name_public_key"
    NAME_TAKEN = "name_taken"
    PASSWORD_WEAK = "password_weak"  # noqa: S105 (a word, not a password)
    SINGLE_PERSON = "single_person"
    BAD_CREDENTIALS = "bad_credentials"
    PERSON_UNKNOWN = "person_unknown"
    PROJECT_UNKNOWN = "project_unknown"
    TOO_MANY_PEOPLE = "too_many_people"
    PROJECT_REQUIRED = "project_required"
    NOT_ADMINISTRATOR = "not_administrator"
    EXPIRY_PAST = "expiry_past"
    EXPIRY_INVALID = "expiry_invalid"
    EXPIRY_TOO_LATE = "expiry_too_late"
    DUPLICATE_KEY = "duplicate_key"
    TOO_MANY_KEYS = "too_many_keys"
    KEY_TYPE_NOT_ALLOWED = "key_type_not_allowed"
    RSA_TOO_WEAK = "rsa_below_floor"
    DUPLICATE_RULE = "duplicate_rule"
    TOO_MANY_RULES = "too_many_rules"
    EVERYWHERE_NOT_ALLOWED = "everywhere_not_allowed"
    TOO_MANY_TOKENS = "too_many_tokens"
    SCOPES_INVALID = "scopes_invalid"
    SCOPE_MISSING = "scope_missing"
    AUTHORIZATION_PENDING = "authorization_pending"
    ACCESS_DENIED = "access_denied"
    DEVICE_CODE_INVALID = "device_code_invalid"
    USER_CODE_UNKNOWN = "user_code_unknown"
    TOO_MANY_LOGINS = "too_many_logins"
    NO_TOKEN_USED = "no_token_used"  # noqa: S105 (a word, not a password)
    WEBHOOK_URL_INVALID = "webhook_url_invalid"
    WEBHOOK_KIND_UNKNOWN = "webhook_kind_unknown"
    TOO_MANY_WEBHOOKS = "too_many_webhooks"
    WEBHOOK_OFF = "webhook_off"
