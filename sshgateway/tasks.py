"""Celery tasks: end lost sessions, delete expired recordings."""

from celery import shared_task

from sshgateway.recording import store
from sshgateway.sessions import session_actions


@shared_task(name="sshgateway.sweep")
def sweep() -> int:
    """End the sessions whose gateway process is gone. Return how many."""
    return session_actions.end_lost_sessions()


@shared_task(name="sshgateway.delete_old_recordings")
def delete_old_recordings() -> int:
    """Delete the recordings that have expired. Return how many."""
    return store.delete_expired()
