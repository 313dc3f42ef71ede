"""Which jobs a user may see: their own, and no others. Every page and every API asks here."""

from django.db.models import QuerySet

from accounts.models import User
from jobs.models import Job


def visible_jobs(user: User) -> QuerySet[Job]:
    """Return the jobs this user may know of: their own."""
    return Job.objects.filter(owner=user)
