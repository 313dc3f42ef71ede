"""The administrators' page of the simulated cloud: break it on purpose, and say how large it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, administrators_only
from jobs.models import Cluster, CoreType
from jobs.providers import fault_actions
from jobs.providers.fault_injection import NEXT, CoreCount, FaultBoard, FaultKind, FaultRule
from jobs.providers.fault_labels import FaultLabel, label_of, measure


@dataclass(frozen=True)
class RuleLine:
    """A fault that is on."""

    rule: FaultRule
    title: Any
    where: str
    measure: str


@dataclass(frozen=True)
class KindCard:
    """A fault to choose."""

    kind: FaultKind
    words: FaultLabel


@dataclass(frozen=True)
class CoreLine:
    """A core type and its cores."""

    core_type: CoreType
    count: CoreCount


@administrators_only
@never_cache
@require_GET
def simulated_cloud(request: HttpRequest) -> HttpResponse:
    """What is on, what can be switched on, and how many cores there are."""
    chosen = request.GET.get("cluster", "")
    return _show(request, {"cluster": chosen})


@administrators_only
@require_POST
def switch_on(request: HttpRequest) -> HttpResponse:
    """Switch a fault on; or the page again with what was wrong."""
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
    """Switch one off."""
    name, cluster, node = (request.POST.get(each, "") for each in ("name", "cluster", "node"))
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
    """Save how many cores of a core type there are; an empty field means as many as there were by themselves."""
    code, text = request.POST.get("core_type", ""), request.POST.get("cores", "").strip()
    try:
        fault_actions.set_cores(actor(request), code, None if "usual" in request.POST else _cores(text))
    except Refused as refused:
        return _show(request, {}, refused, cores_of=code, cores_text=text)
    messages.success(request, _("Saved."))
    return redirect("simulated_cloud")


def _rule(values: Mapping[str, str]) -> FaultRule:
    seconds = None
    if values["seconds"]:
        try:
            seconds = float(values["seconds"])
        except ValueError:
            raise Refused("bad_seconds", _("Seconds are a number, such as 60."), "seconds") from None
    return FaultRule(values["name"], values["cluster"], values["node"], seconds)


def _cores(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused("bad_cores", _("Cores are a whole number, such as 512."), "cores")
    return int(text)


def _show(
    request: HttpRequest, values: Mapping[str, str], refused: Refused | None = None, **more: Any
) -> HttpResponse:
    context: dict[str, Any] = {"nav": "administration", "values": values, "next": NEXT, **more}
    status = refused.status if refused is not None else 200
    if refused is not None:
        context |= {"errors": {refused.field: refused.message} if refused.field else {}, "refused": refused}
    try:
        found = fault_actions.clusters()
        board = fault_actions.board()
        context |= {
            "board": board,
            "lines": [_line(board, rule, found) for rule in board.rules],
            "cards": [KindCard(kind, label_of(kind.name)) for kind in board.kinds],
            "clusters": found,
            "cores": _core_lines(),
        }
    except Refused as away:
        context["away"] = away
        status = 200 if away.reason == "provider_without_faults" and refused is None else away.status
    return render(request, "jobs/simulated_cloud.html", context, status=status)


def _line(board: FaultBoard, rule: FaultRule, clusters: Sequence[Cluster]) -> RuleLine:
    kind = board.kind(rule.name)
    return RuleLine(rule, label_of(rule.name).title, _where(rule, clusters), str(measure(kind, rule)))


def _where(rule: FaultRule, clusters: Sequence[Cluster]) -> str:
    """The place of a rule, in words."""
    if rule.cluster == NEXT:
        place = _("the next launch")
    elif rule.cluster:
        known = next((each for each in clusters if each.pk == rule.cluster), None)
        place = f"{known.handle} ({known.job.owner.get_username()})" if known is not None else rule.cluster
    else:
        place = _("every cluster")
    return f"{place}, {rule.node}" if rule.node else place


def _core_lines() -> list[CoreLine]:
    types = {core_type.code: core_type for core_type in CoreType.objects.all()}
    return [CoreLine(types[count.core_type], count) for count in fault_actions.core_counts()]
