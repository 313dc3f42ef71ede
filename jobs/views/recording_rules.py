"""The administrators' page of the recording policy: which terminals are recorded."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor
from jobs.models import CoreType
from jobs.views.administrator_pages import hidden_from_others
from sshgateway.models import RecordingRule
from sshgateway.recording import rules
from sshgateway.terminals.recording_policy import Mode, OnFailure


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def recording_rules(request: HttpRequest) -> HttpResponse:
    """Show the rules; on POST save one. If it is refused, show the form again with the problem."""
    if request.method != "POST":
        return _show(request)
    try:
        rules.save_rule(
            actor(request),
            request.POST.get("mode", ""),
            request.POST.get("on_failure", ""),
            **_rule_subject(request),
        )
    except Refused as refused:
        scope, asked = request.POST.get("scope", "site"), request.POST.dict()
        return _show(request, status=refused.status, refused=refused, scope=scope, asked=asked)
    messages.success(request, _("Saved. It applies to terminals that are opened from now on."))
    return redirect("recording_rules")


@hidden_from_others
@require_POST
def remove_recording_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Remove a rule. One that was removed before, in another window, is no error."""
    rule = RecordingRule.objects.filter(pk=rule_id).first()
    if rule is None:
        messages.info(request, _("This rule was removed before, perhaps in another window."))
        return redirect("recording_rules")
    rules.remove_rule(actor(request), rule)
    messages.success(request, _("Removed. This applies to terminals that are opened from now on."))
    return redirect("recording_rules")


def _rule_subject(request: HttpRequest) -> dict[str, str]:
    """Return whom the rule is for: a person, a core type, or neither for the whole site. Raises Refused."""
    username, core_type = "", ""
    match request.POST.get("scope", "site"):
        case "person":
            username = request.POST.get("person", "").strip()
            if not username:
                raise Refused("no_such_person", _("Enter a user name."), field="person")
        case "core_type":
            core_type = request.POST.get("core_type", "")
            if not CoreType.objects.filter(code=core_type).exists():
                raise Refused("no_such_core_type", _("Choose one of the core types."), field="core_type")
    return {"username": username, "core_type": core_type}


def _show(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    saved = list(RecordingRule.objects.select_related("person"))
    names = dict(CoreType.objects.values_list("code", "name"))
    site = next((row for row in saved if row.person is None and not row.core_type), None)
    context = {
        "site": site or RecordingRule(mode=Mode.OFF, on_failure=OnFailure.GO_ON),
        "people": [row for row in saved if row.person is not None],
        "core_type_rules": [(row, names.get(row.core_type, row.core_type)) for row in saved if row.core_type],
        "core_types": CoreType.objects.filter(is_active=True),
        "modes": _modes(),
        "failures": _failures(),
        **more,
    }
    return render(request, "sshgateway/recording_rules.html", context, status=status)


def _modes() -> list[tuple[str, str]]:
    return [
        (Mode.OFF.value, _("Not recorded")),
        (Mode.ON.value, _("Recorded")),
        (Mode.ANNOUNCED.value, _("Recorded and announced")),
    ]


def _failures() -> list[tuple[str, str]]:
    return [
        (OnFailure.GO_ON.value, _("the shell continues")),
        (OnFailure.END.value, _("the shell ends")),
    ]
