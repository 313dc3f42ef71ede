"""What the New job form shows beside the button that submits: cost, earlier runs, limits and room."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.views.pages import person
from jobs.costs.amount_text import money_text
from jobs.durations import about_text
from jobs.submission.job_estimate import JobEstimate, estimate_job
from jobs.views.typed_job import typed_draft


@login_required
@never_cache
@require_POST
def job_estimate(request: HttpRequest) -> HttpResponse:
    """Render the estimate of what the form has, as a fragment. Nothing is saved.

    Its name and command are not asked for: the estimate does not depend on them, and the person may not have written
    them yet.
    """
    asked = typed_draft({**request.POST.dict(), "name": "estimate", "command": "true"})
    return render(request, "jobs/fragments/job_estimate.html", _context(estimate_job(person(request), asked)))


def _context(found: JobEstimate) -> dict[str, object]:
    context: dict[str, object] = {
        "limits": [limit.message for limit in found.limits],
        "room": found.room,
    }
    if found.walltime is not None:
        context["most"] = money_text(found.walltime.cost, found.currency)
        context["walltime"] = about_text(found.walltime.duration)
    if found.typical is not None:
        context["runs"] = found.typical.runs
        context["usual"] = about_text(found.typical.duration)
        context["usual_cost"] = money_text(found.typical.cost, found.currency)
        context["is_too_short"] = (
            found.walltime is not None and found.walltime.duration < found.typical.duration
        )
    return context
