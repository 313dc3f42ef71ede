"""Record who logged in to the nodes: on the person's key, and in the Job Log."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import services
from jobs.events import job_log
from jobs.lifetime import activity_store
from jobs.models import Cluster
from jobs.providers.base import LoginRecord, Provider
from jobs.states import NOT_AT_PROVIDER, LogSource

# A program that logs in again and again appears in the Job Log only this often.
LOG_AGAIN_AFTER = timedelta(minutes=5)


def record_logins(cluster: Cluster, provider: Provider) -> None:
    """Record logins that are new: when each key was last used, and one event per key, address and node.

    The cursor is saved in the same transaction, so that no login is recorded twice or lost. Raises ProviderError.
    """
    if cluster.observed_state in NOT_AT_PROVIDER:
        return
    records = provider.logins(cluster.provider_state, cluster.login_cursor)
    if not records:
        return
    newest = records[-1].sequence
    with transaction.atomic():
        moved = Cluster.objects.filter(pk=cluster.pk, login_cursor=cluster.login_cursor).update(
            login_cursor=newest
        )
        if moved != 1:
            return
        logged: set[str] = set()
        for record in records:
            # The portal's own logins use certificates of its own authorities and are known already.
            if record.fingerprint or record.authority:
                _record(cluster, record, logged)
                # A session may begin and end between two looks at the nodes.
                activity_store.save_login(cluster, record.node, min(record.at, timezone.now()))
    cluster.login_cursor = newest


def _record(cluster: Cluster, record: LoginRecord, logged: set[str]) -> None:
    job = cluster.job
    text = f"Login with {_proof(cluster, record)} from {record.source_address} on {record.node}."
    if text in logged or _was_logged_lately(cluster, text):
        return
    logged.add(text)
    job_log.append(job, LogSource.SSH, text, node=record.node)


def _proof(cluster: Cluster, record: LoginRecord) -> str:
    """Return what somebody logged in with, and record the use of a key of the owner's."""
    if record.authority:
        name = "".join(character if character.isprintable() else "?" for character in record.certificate)
        return f"certificate '{name}' of an authority that only the node trusts ({record.authority})"
    job = cluster.job
    key = services.note_key_use(job.owner, record.fingerprint, record.at, record.source_address, job.pk)
    what = f"key '{key.name}'" if key else "a key that is not in Job Settings"
    return f"{what} ({record.fingerprint})"


def _was_logged_lately(cluster: Cluster, text: str) -> bool:
    since = timezone.now() - LOG_AGAIN_AFTER
    return cluster.job.events.filter(source=LogSource.SSH, at__gt=since, message=text).exists()
