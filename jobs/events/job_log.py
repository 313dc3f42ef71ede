"""The Job Log: append events, read pages of them, notify followers.

An event gets its sequence number by updating the job's row in the transaction that inserts the event. A transaction
that fails returns its numbers, so sequences have no gaps.
"""

from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jobs.models import Job, JobEvent
from jobs.states import LogLevel, LogSource

MAX_PAGE = 1000
MAX_MESSAGE = 8192
# Sent between processes, possibly of two versions during an upgrade: it keeps its value.
MESSAGE_TYPE = "job.bell"


def group_name(job_id: str) -> str:
    """Return the channel-layer group of a job's followers."""
    return f"job.{job_id}"


def append(
    job: Job,
    source: LogSource,
    message: str,
    *,
    level: LogLevel = LogLevel.INFO,
    stage: str = "",
    node: str = "",
) -> JobEvent:
    """Append one event, and notify the job's followers when the transaction commits."""
    return append_all(job, [JobEvent(source=source, message=message, level=level, stage=stage, node=node)])[0]


def append_all(job: Job, events: Sequence[JobEvent]) -> list[JobEvent]:
    """Append several events in order, in one transaction."""
    if not events:
        return []
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(last_sequence=F("last_sequence") + len(events))
        last = Job.objects.values_list("last_sequence", flat=True).get(pk=job.pk)
        now = timezone.now()
        for number, event in enumerate(events, start=last - len(events) + 1):
            event.job = job
            event.sequence = number
            event.at = now
            event.message = event.message[:MAX_MESSAGE].replace("\0", "\N{SYMBOL FOR NULL}")
        JobEvent.objects.bulk_create(events)
        job.last_sequence = last
        notify(job.pk)
    return list(events)


def notify(job_id: str) -> None:
    """Tell the job's followers to read again, once this transaction commits."""
    transaction.on_commit(lambda: _send(job_id), robust=True)


def _send(job_id: str) -> None:
    layer = get_channel_layer()
    if layer is not None:
        async_to_sync(layer.group_send)(group_name(job_id), {"type": MESSAGE_TYPE})


def read_page(job: Job, after: int = 0, limit: int = MAX_PAGE) -> list[JobEvent]:
    """Return up to `limit` events whose sequence is greater than `after`, oldest first."""
    return list(job.events.filter(sequence__gt=after).order_by("sequence")[: min(limit, MAX_PAGE)])


def as_json(event: JobEvent) -> dict[str, Any]:
    """Return the event as REST, websocket and command line show it."""
    return {
        "sequence": event.sequence,
        "time": event.at.isoformat().replace("+00:00", "Z"),
        "source": event.source,
        "level": event.level,
        "stage": event.stage,
        "node": event.node,
        "message": event.message,
    }
