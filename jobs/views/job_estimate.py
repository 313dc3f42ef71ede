"""What the New job form shows beside the button that submits: cost, earlier runs, limits and room."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.views.pages import person
from jobs.costs.amount_text import money_text
from jobs.durations import about_text
from jobs.submission.job_estimate import BudgetEffect, JobEstimate, estimate_job
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
        "budgets": [_budget(effect) for effect in found.budgets],
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


def _budget(effect: BudgetEffect) -> dict[str, str]:
    """Return the sentence on a budget, and which kind of notice it is; an empty one says nothing."""
    facts = {"name": effect.name}
    if effect.would_wait:
        return {"kind": "warning", "text": _("The job would wait: %(name)s has no room for it now.") % facts}
    if effect.left is None:
        return {"kind": "", "text": ""}
    if effect.left >= 0:
        facts["left"] = money_text(effect.left, effect.currency)
        return {"kind": "", "text": _("%(left)s of %(name)s would be left") % facts}
    facts["over"] = money_text(-effect.left, effect.currency)
    text = (
        _(
            "The whole walltime is %(over)s more than is left of %(name)s: the cluster would be terminated before."
        )
        if effect.is_enforced
        else _("The whole walltime is %(over)s more than is left of %(name)s.")
    )
    return {"kind": "warning", "text": text % facts}
