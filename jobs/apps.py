"""The jobs app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobsConfig(AppConfig):
    """Jobs, their clusters and the loop that moves them."""

    name = "jobs"

    def ready(self) -> None:
        """Connect receivers and register with the apps below, once all models are loaded."""
        from accounts.audit import actions  # noqa: PLC0415 (models exist only now)
        from accounts.users import derived_keys  # noqa: PLC0415 (models exist only now)
        from jobs import receivers  # noqa: F401, PLC0415 (models exist only now)
        from jobs.access import job_keys, node_access  # noqa: PLC0415 (models exist only now)
        from jobs.events.audit_actions import JobsAuditAction  # noqa: PLC0415
        from jobs.machines import machine_access, node_addresses  # noqa: PLC0415
        from jobs.node_contract import job_key  # noqa: PLC0415
        from jobs.providers import portal_id  # noqa: PLC0415
        from sshgateway.authorization import (  # noqa: PLC0415
            forbidden_addresses,
            terminal_authorization,
        )

        post_migrate.connect(portal_id.ensure_portal_id, sender=self)
        derived_keys.register(job_key.PREFIX, job_keys.check_key)
        terminal_authorization.register("job", node_access.check_job_terminal)
        forbidden_addresses.register(machine_access.SUBJECT_KIND, node_addresses.node_networks)
        terminal_authorization.register("machine", machine_access.check_machine_terminal)
        actions.register(JobsAuditAction)
