"""Celery tasks of the gateway."""

from celery import shared_task

from sshgateway import services
from sshgateway.recording import store


@shared_task(name="sshgateway.sweep")
def sweep() -> int:
    """End the sessions whose gateway process is gone."""
    return services.sweep()


@shared_task(name="sshgateway.delete_old_recordings")
def delete_old_recordings() -> int:
    """Delete recordings that were kept long enough."""
    return store.delete_old()
