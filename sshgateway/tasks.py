"""Celery tasks of the gateway."""

from celery import shared_task

from sshgateway.recording import store
from sshgateway.sessions import session_actions


@shared_task(name="sshgateway.sweep")
def sweep() -> int:
    """End the sessions whose gateway process is gone."""
    return session_actions.sweep()


@shared_task(name="sshgateway.delete_old_recordings")
def delete_old_recordings() -> int:
    """Delete recordings that were kept long enough."""
    return store.delete_old()
