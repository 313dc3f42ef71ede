"""What the nodes say about who logged in: kept with the person's key, told in the Job Log."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import services
from jobs.events import job_log
from jobs.models import Cluster, JobEvent
from jobs.providers.base import LoginRecord, Provider
from jobs.states import Observed

# A program that logs in again and again is told of once in a while, not every time.
TELL_AGAIN = timedelta(minutes=5)


def note(cluster: Cluster, provider: Provider) -> None:
    """Take the logins that are new: when keys were last used, and one event for each way in.

    The cursor is saved together with them, so that nothing is told twice or lost. Raises ProviderError.
    """
    if cluster.observed_state in (Observed.ABSENT, Observed.RELEASED):
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
        told: set[str] = set()
        for record in records:
            # The portal's own logins come with certificates, and it knows what they were for.
            if record.fingerprint:
                _note(cluster, record, told)
    cluster.login_cursor = newest


def _note(cluster: Cluster, record: LoginRecord, told: set[str]) -> None:
    job = cluster.job
    key = services.note_key_use(job.owner, record.fingerprint, record.at, record.source_address, job.pk)
    what = f"key '{key.name}'" if key else "a key that is not in Job Settings"
    text = f"Login with {what} ({record.fingerprint}) from {record.source_address} on {record.node}."
    if text in told or _told_lately(cluster, text):
        return
    told.add(text)
    job_log.append(job, JobEvent.Source.SSH, text, node=record.node)


def _told_lately(cluster: Cluster, text: str) -> bool:
    since = timezone.now() - TELL_AGAIN
    return cluster.job.events.filter(source=JobEvent.Source.SSH, at__gt=since, message=text).exists()
