"""The kinds of audit event: what accounts records, and where the other apps register what they record.

An action is written `app:object:verb` and is saved in the database forever: never change a value. A new action is a
member of its app's enum, with its title beside it.
"""

from collections.abc import Iterator

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AuditAction(TextChoices):
    """The base of each app's audit actions. `value` is stored, `label` is the title that people read."""


class AccountsAuditAction(AuditAction):
    """What accounts records."""

    USER_ADDED = "accounts:user:added", _("User account added")
    SINGLE_USER_ON = "accounts:single_user:on", _("Limited to one user: nodes have no sandbox")
    SINGLE_USER_OFF = "accounts:single_user:off", _("No longer limited to one user: nodes have a sandbox")
    SSH_KEY_ADDED = "accounts:ssh_key:added", _("SSH key added")
    SSH_KEY_RENAMED = "accounts:ssh_key:renamed", _("SSH key renamed")
    SSH_KEY_REMOVED = "accounts:ssh_key:removed", _("SSH key removed")
    SSH_KEY_DISABLED = "accounts:ssh_key:disabled", _("SSH key disabled")
    SSH_KEY_ENABLED = "accounts:ssh_key:enabled", _("SSH key enabled")
    SSH_KEY_EXPIRY_CHANGED = "accounts:ssh_key:expiry_changed", _("Expiry of an SSH key changed")
    ACCESS_RULE_ADDED = "accounts:access_rule:added", _("Access rule added")
    ACCESS_RULE_REMOVED = "accounts:access_rule:removed", _("Access rule removed")
    ACCESS_RULE_EXPIRY_CHANGED = "accounts:access_rule:expiry_changed", _("Expiry of an access rule changed")
    JOB_SETTINGS_CHANGED = "accounts:job_settings:changed", _("Job Settings changed")
    PROJECT_ADDED = "accounts:project:added", _("Project added")
    PROJECT_CHANGED = "accounts:project:changed", _("Project changed")
    PROJECT_POLICY_CHANGED = "accounts:project_policy:changed", _("Whether jobs need a project changed")
    DEFAULT_PROJECT_CHANGED = "accounts:project:default_changed", _("Default project changed")
    API_TOKEN_ADDED = "accounts:api_token:added", _("API token created")
    NOTIFICATION_CHOICES_CHANGED = (
        "accounts:notification_choices:changed",
        _("Notification choices changed"),
    )
    WEBHOOK_ADDED = "accounts:webhook:added", _("Webhook added")
    WEBHOOK_CHANGED = "accounts:webhook:changed", _("Webhook changed")
    WEBHOOK_REMOVED = "accounts:webhook:removed", _("Webhook removed")
    WEBHOOK_SWITCHED_OFF = "accounts:webhook:switched_off", _("Webhook switched off after failures")
    API_TOKEN_REVOKED = "accounts:api_token:revoked", _("API token ended")
    DEVICE_LOGIN_APPROVED = "accounts:device_login:approved", _("Command line sign-in approved")
    DEVICE_LOGIN_DENIED = "accounts:device_login:denied", _("Command line sign-in refused")


_registered: dict[str, AuditAction] = {}


def register(enum: type[AuditAction]) -> None:
    """Make the actions of an app known. Called once by each app when it is ready. Safe to repeat."""
    _registered.update({member.value: member for member in enum})


def registered() -> Iterator[AuditAction]:
    """Return every action of every app."""
    return iter(_registered.values())


def find(value: str) -> AuditAction | None:
    """Return the action that is stored as `value`; None for one that an older version wrote."""
    return _registered.get(value)
