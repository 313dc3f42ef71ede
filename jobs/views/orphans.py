"""Clusters nobody wants any more, for administrators: what is there, what it costs, one button."""

from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, ask_first, is_confirmed, person
from jobs.lifetime import orphans
from jobs.models import Leftover


def _open(request: HttpRequest) -> QuerySet[Leftover]:
    """What this person may see. Raises PermissionDenied for everybody but administrators."""
    try:
        return orphans.open_orphans(person(request))
    except Refused as refused:
        raise PermissionDenied(refused.message) from None


@login_required
@never_cache
@require_GET
def leftover_list(request: HttpRequest) -> HttpResponse:
    """All that are there now, with age, nodes and cost."""
    rows = list(_open(request))
    cost = sum((row.cost_per_hour for row in rows), Decimal())
    context = {"nav": "leftovers", "rows": rows, "cost": cost, "currency": rows[0].currency if rows else ""}
    return render(request, "jobs/leftovers.html", context)


@login_required
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Have one removed now, after asking. A second press changes nothing and is no error."""
    leftover = get_object_or_404(_open(request), pk=pk)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove cluster %(id)s?") % {"id": leftover.cluster_id},
            text=_("Its nodes shut down at once, and whatever is on them is lost."),
            button=_("Remove"),
            back=reverse("leftovers"),
        )
    try:
        asked = orphans.ask_removal(actor(request), leftover)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        said = (
            _("Cluster %(id)s is being removed.") if asked else _("Cluster %(id)s was being removed already.")
        )
        messages.success(request, said % {"id": leftover.cluster_id})
    return redirect("leftovers")
