"""Celery tasks of the gateway."""

from celery import shared_task

from sshgateway import services


@shared_task(name="sshgateway.sweep")
def sweep() -> int:
    """End the sessions whose gateway process is gone."""
    return services.sweep()
