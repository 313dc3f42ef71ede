"""Charges for tests, as the loop leaves them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from jobs.models import Charge
from tests.factories import JobFactory

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def charge(person: User | None, began_at: datetime = NOON, seconds: int = 3600, **fields: Any) -> Charge:
    """Save a closed charge of one emerald core at USD 0.10 an hour; of a job of its own, unless one is named."""
    job = JobFactory.create(owner=person) if person is not None and "job_id" not in fields else None
    given = {
        "cluster_id": f"C{Charge.objects.count()}",
        "job_id": job.pk if job else "",
        "job_name": job.name if job else "",
        "person": person,
        "person_name": person.get_username() if person else "",
        "node": "head",
        "core_type": "emerald",
        "cores": 1,
        "day": began_at.date(),
        "began_at": began_at,
        "ended_at": began_at + timedelta(seconds=seconds),
        "seconds": seconds,
        "price_per_core_hour": Decimal("0.1"),
        "currency": "USD",
    }
    return Charge.objects.create(**{**given, **fields})
