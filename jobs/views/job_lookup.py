"""Find the job that a page's address names, among the jobs the user may see."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.views.pages import person
from jobs.access.job_visibility import visible_jobs
from jobs.models import Job


def find_job(request: HttpRequest, job_id: str) -> Job:
    """Return the job. Raises Http404 if it does not exist or this user may not see it."""
    jobs = visible_jobs(person(request)).select_related("core_type", "owner").prefetch_related("statuses")
    return get_object_or_404(jobs, pk=job_id)
