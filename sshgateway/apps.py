"""The sshgateway app."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from accounts.audit import actions
from sshgateway.audit_actions import GatewayAuditAction


class SSHGatewayConfig(AppConfig):
    """Authorities, connections and terminal sessions."""

    name = "sshgateway"
    verbose_name = "SSH gateway"

    def ready(self) -> None:
        """Register the audit actions of this app, and have `migrate` make the certificate authorities."""
        actions.register(GatewayAuditAction)
        post_migrate.connect(_ensure_authorities, sender=self, dispatch_uid="sshgateway.ensure_authorities")


def _ensure_authorities(using: str, **kwargs: Any) -> None:
    from sshgateway.certificates.authorities import ensure_authorities  # noqa: PLC0415 (models exist only now)

    # `migrate` can stop at an earlier migration: then the model is the one of that migration, or there is none.
    state = kwargs.get("apps", apps)
    try:
        model = state.get_model("sshgateway", "AuthorityKey")
    except LookupError:
        return
    ensure_authorities(model, using)
