"""The administrators' page of the simulated cloud: switch faults on and off, and set how many cores there are."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, administrators_only
from jobs.providers import fault_actions
from jobs.providers.fault_injection import NEXT_CLUSTER, FaultRule
from jobs.providers.fault_labels import label_of
from jobs.views.fault_rows import active_faults, core_rows, fault_cards


@administrators_only
@never_cache
@require_GET
def simulated_cloud(request: HttpRequest) -> HttpResponse:
    """Show the faults that are on, those that can be switched on, and the cores."""
    return _show(request, {"cluster": request.GET.get("cluster", "")})


@administrators_only
@require_POST
def switch_on(request: HttpRequest) -> HttpResponse:
    """Switch a fault on; if it is refused, show the form again with the problem."""
    values = {name: request.POST.get(name, "").strip() for name in ("name", "cluster", "node", "seconds")}
    try:
        fault_actions.switch_on(actor(request), _rule(values))
    except Refused as refused:
        return _show(request, values, refused)
    messages.success(request, _("“%(fault)s” is on.") % {"fault": label_of(values["name"]).title})
    return redirect("simulated_cloud")


@administrators_only
@require_POST
def switch_off(request: HttpRequest) -> HttpResponse:
    """Switch a fault off."""
    name, cluster, node = (request.POST.get(field, "") for field in ("name", "cluster", "node"))
    rule = FaultRule(name, cluster, node)
    try:
        fault_actions.switch_off(actor(request), rule)
    except Refused as refused:
        return _show(request, {}, refused)
    messages.success(request, _("“%(fault)s” is off.") % {"fault": label_of(rule.name).title})
    return redirect("simulated_cloud")


@administrators_only
@require_POST
def set_cores(request: HttpRequest) -> HttpResponse:
    """Set how many cores of a core type there are; an empty field or Reset restores the default."""
    code, text = request.POST.get("core_type", ""), request.POST.get("cores", "").strip()
    try:
        fault_actions.set_cores(actor(request), code, None if "usual" in request.POST else _cores(text))
    except Refused as refused:
        return _show(request, {}, refused, cores_of=code, cores_text=text)
    messages.success(request, _("Saved."))
    return redirect("simulated_cloud")


def _rule(values: Mapping[str, str]) -> FaultRule:
    return FaultRule(values["name"], values["cluster"], values["node"], _seconds(values["seconds"]))


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise Refused("bad_seconds", _("Seconds are a number, such as 60."), "seconds") from None


def _cores(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused("bad_cores", _("Cores are a whole number, such as 512."), "cores")
    return int(text)


def _show(
    request: HttpRequest, values: Mapping[str, str], refused: Refused | None = None, **more: Any
) -> HttpResponse:
    context: dict[str, Any] = {"nav": "administration", "values": values, "next": NEXT_CLUSTER, **more}
    status = 200
    if refused is not None:
        status = refused.status
        context |= {"errors": {refused.field: refused.message} if refused.field else {}, "refused": refused}
    try:
        context |= _cloud_context()
    except Refused as away:
        context["away"] = away
        status = 200 if away.reason == "provider_without_faults" and refused is None else away.status
    return render(request, "jobs/simulated_cloud.html", context, status=status)


def _cloud_context() -> dict[str, Any]:
    """Return what is known of the cloud. Raises Refused if it does not answer or is a real one."""
    clusters, overview = fault_actions.clusters(), fault_actions.fault_overview()
    return {
        "faults": active_faults(overview, clusters),
        "cards": fault_cards(overview),
        "clusters": clusters,
        "cores": core_rows(),
    }
