"""The first steps of a new user: a key, an allowed address, a first job. Each is one button, and gone when done."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.keys import validity
from accounts.refusals import Refused
from accounts.source_address import source_address_of
from accounts.users import loopback_access
from accounts.views.pages import actor, person
from jobs.access.access_needs import AccessNeeds, access_needs
from jobs.models import Job
from jobs.submission import job_actions
from jobs.submission.sample import cheapest_core_type, sample_draft


@dataclass(frozen=True)
class FirstSteps:
    """What a user has done already. `given` says why a new account has rules; empty if it was given none."""

    needs: AccessNeeds
    has_job: bool
    given: str
    can_run_sample: bool

    @property
    def address_done(self) -> bool:
        """Whether the address needs no step: it is allowed, or a rule of the user's says from where they come."""
        return self.needs.is_allowed or (self.needs.has_rule and self.has_job)

    @property
    def are_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.needs.has_key and self.address_done and self.has_job


def first_steps_of(request: HttpRequest) -> FirstSteps:
    """Return what the user has done of the first steps."""
    owner = person(request)
    given = any(loopback_access.was_given(rule) for rule in validity.rules_in_force(owner))
    return FirstSteps(
        needs=access_needs(owner, source_address_of(request)),
        has_job=Job.objects.filter(owner=owner).exists(),
        given=loopback_access.explanation() if given else "",
        can_run_sample=cheapest_core_type() is not None,
    )


@login_required
@never_cache
@require_GET
def first_steps(request: HttpRequest) -> HttpResponse:
    """Render the list of steps, for the page's script after it created a key."""
    return render(request, "jobs/fragments/first_steps.html", {"steps": first_steps_of(request)})


@login_required
@require_POST
def run_sample(request: HttpRequest) -> HttpResponse:
    """Submit the sample job, and show its page."""
    core_type = cheapest_core_type()
    if core_type is None:
        messages.error(request, _("There is no core type to run the sample on. Ask your administrator."))
        return redirect("job_list")
    try:
        job = job_actions.create_job(actor(request), person(request), sample_draft(core_type))
        job_actions.submit_job(actor(request), job)
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect("job_list")
    return redirect("job_page", job.pk)
