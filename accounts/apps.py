"""The accounts app."""

from django.apps import AppConfig

from accounts.audit import actions


class AccountsConfig(AppConfig):
    """Users, their keys, rules, settings and tokens, and the audit trail."""

    name = "accounts"

    def ready(self) -> None:
        """Register the audit actions of this app."""
        actions.register(actions.AccountsAuditAction)
