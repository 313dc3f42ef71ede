"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Jobs, their clusters and the loop that keeps its word."""

    name = "jobs"

    def ready(self) -> None:
        """Listen to the apps below, once every model is there."""
        from jobs import receivers  # noqa: F401, PLC0415 (models exist only now)
        from jobs.access import node_access  # noqa: F401, PLC0415 (models exist only now)
        from jobs.machines import machine_access  # noqa: PLC0415
        from sshgateway.authorization import terminal_authorization  # noqa: PLC0415

        terminal_authorization.register(node_access.check_job_terminal)
        terminal_authorization.register(machine_access.check_machine_terminal)
