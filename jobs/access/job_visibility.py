"""Which jobs a user may see: their own, and no others. Every page and every API asks here."""

from django.db.models import QuerySet

from accounts.models import User
from jobs.models import Job


def visible_jobs(user: User) -> QuerySet[Job]:
    """Return the jobs this user may know of: their own; signed in by the key of a job, that one alone."""
    own = Job.objects.filter(owner=user)
    return own.filter(pk=user.only_job) if user.only_job else own
