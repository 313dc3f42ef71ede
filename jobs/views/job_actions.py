"""The buttons of the job page: submit, clone, terminate, extend, delete."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, ask_first, is_confirmed, person
from jobs.lifetime import deadline, extending
from jobs.models import Cluster, Job
from jobs.submission import cloning, job_actions
from jobs.views.deadline_view import deadline_view_of
from jobs.views.job_lookup import find_job
from jobs.views.job_page import render_job_page
from jobs.views.what_is_lost import what_is_lost


@login_required
@require_POST
def submit(request: HttpRequest, job_id: str) -> HttpResponse:
    """Submit a saved job."""
    job = find_job(request, job_id)
    try:
        job_actions.submit_job(actor(request), job)
    except Refused as refused:
        return _refuse(request, job, refused)
    return redirect("job_page", job.pk)


@login_required
@require_POST
def clone(request: HttpRequest, job_id: str) -> HttpResponse:
    """Save a copy of the job, and show it."""
    job = find_job(request, job_id)
    try:
        copy = cloning.clone_job(actor(request), person(request), job)
    except Refused as refused:
        return _refuse(request, job, refused)
    messages.success(
        request, _("This is a copy of “%(name)s”. Submit it when you are ready.") % {"name": job.name}
    )
    return redirect("job_page", copy.pk)


@login_required
@require_POST
def terminate(request: HttpRequest, job_id: str) -> HttpResponse:
    """Terminate the cluster, after asking. Pressing twice changes nothing and is no error."""
    job = find_job(request, job_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Terminate “%(name)s”?") % {"name": job.name},
            text=what_is_lost(job),
            button=_("Terminate"),
            back=reverse("job_page", args=[job.pk]),
        )
    try:
        first = job_actions.stop_job(actor(request), job)
    except Refused as refused:
        return _refuse(request, job, refused)
    if not first:
        messages.info(request, _("The cluster is already being terminated."))
    return redirect("job_page", job.pk)


@login_required
@require_http_methods(["GET", "POST"])
def extend(request: HttpRequest, job_id: str) -> HttpResponse:
    """Extend the deadline by `seconds`, or to the moment `until` (UTC if it names no time zone).

    On GET, where a link in a mail leads after sign-in, show when the cluster ends and the buttons that extend it.
    """
    job = find_job(request, job_id)
    if request.method == "GET":
        context = {"job": job, "deadline": deadline_view_of(Cluster.objects.filter(job=job).first())}
        return render(request, "jobs/extend.html", context)
    try:
        by, until = _extension(request)
        cluster = extending.extend_job(actor(request), job, by=by, until=until)
    except Refused as refused:
        return _refuse(request, job, refused)
    if cluster.deadline_at is not None:
        moment = deadline.moment(cluster.deadline_at)
        messages.success(request, _("The cluster can run until %(moment)s.") % {"moment": moment})
    return redirect("job_page", job.pk)


@login_required
@require_POST
def delete(request: HttpRequest, job_id: str) -> HttpResponse:
    """Delete the job and its output files, after asking."""
    job = find_job(request, job_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Delete “%(name)s”?") % {"name": job.name},
            text=_("The job, its log and its output files are deleted. This cannot be undone."),
            button=_("Delete job"),
            back=reverse("job_page", args=[job.pk]),
        )
    name = job.name
    try:
        job_actions.delete_job(actor(request), job)
    except Refused as refused:
        return _refuse(request, job, refused)
    messages.success(request, _("Deleted “%(name)s”.") % {"name": name})
    return redirect("job_list")


def _refuse(request: HttpRequest, job: Job, refused: Refused) -> HttpResponse:
    messages.error(request, refused.message)
    return render_job_page(request, find_job(request, job.pk), status=refused.status)


def _extension(request: HttpRequest) -> tuple[timedelta | None, datetime | None]:
    """Return what was asked for as `(by, until)`, one of them None. Raises Refused (`bad_extension`)."""
    seconds, until = request.POST.get("seconds", ""), request.POST.get("until", "")
    return (_seconds(seconds), None) if seconds else (None, _moment(until))


def _seconds(text: str) -> timedelta:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refused("bad_extension", _("Extend by a positive number of seconds."), field="seconds")
    return timedelta(seconds=int(text))


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused("bad_extension", _("Enter a date and a time."), field="until")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
