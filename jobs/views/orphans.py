"""The administrators' page of orphaned clusters: their nodes and cost, and a button that terminates one."""

from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, ask_first, is_confirmed, person
from jobs.lifetime import orphan_searches, orphans
from jobs.models import OrphanCluster


@login_required
@never_cache
@require_GET
def orphan_list(request: HttpRequest) -> HttpResponse:
    """Show all orphaned clusters there are now, and what they cost together."""
    rows = list(_open_orphans(request))
    context = {
        "nav": "orphans",
        "rows": rows,
        "failing_searches": list(orphan_searches.failing_searches()),
        "cost": sum((row.cost_per_hour for row in rows), Decimal()),
        "currency": rows[0].currency if rows else "",
    }
    return render(request, "jobs/orphans.html", context)


@login_required
@require_POST
def terminate(request: HttpRequest, pk: int) -> HttpResponse:
    """Terminate an orphaned cluster, after asking. Pressing twice changes nothing and is no error."""
    orphan = _open_orphans(request).filter(pk=pk).first()
    if orphan is None:
        messages.info(request, _("This cluster is gone already."))
        return redirect("orphans")
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Terminate cluster %(id)s?") % {"id": orphan.cluster_id},
            text=_("Its nodes shut down at once, and whatever is on them is lost."),
            button=_("Terminate"),
            back=reverse("orphans"),
        )
    try:
        first = orphans.request_removal(actor(request), orphan)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        text = (
            _("Cluster %(id)s is being terminated.")
            if first
            else _("Cluster %(id)s is already being terminated.")
        )
        messages.success(request, text % {"id": orphan.cluster_id})
    return redirect("orphans")


def _open_orphans(request: HttpRequest) -> QuerySet[OrphanCluster]:
    """Return the orphaned clusters there are now. Raises PermissionDenied unless the user is an administrator."""
    try:
        return orphans.open_orphans(person(request))
    except Refused as refused:
        raise PermissionDenied(refused.message) from None
