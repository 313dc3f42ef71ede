"""The forms for access rules, SSH access and automatic termination on the Job Settings page."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import cidr, services
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.views.expiry_dates import end_of_day
from accounts.views.job_settings import respond
from accounts.views.pages import actor, ask_first, go_back, is_confirmed, person, shown_again


@login_required
@require_POST
def add_rule(request: HttpRequest) -> HttpResponse:
    """Save an access rule: a preset or an entered block."""
    if request.POST.get("preset") == "everywhere":
        return _add_everywhere(request)
    text, note = request.POST.get("cidr", ""), request.POST.get("note", "")
    expires = request.POST.get("expires", "")
    try:
        rule, notice = services.add_access_rule(
            actor(request), person(request), text, note, end_of_day(expires)
        )
    except Refused as refused:
        if "next" in request.POST:
            messages.error(request, refused.message)
            return go_back(request, reverse("job_settings"))
        form = "own" if request.POST.get("preset") == "own" else "custom"
        return respond(
            request,
            "access",
            status=refused.status,
            rule_form=form,
            rule_cidr=shown_again(text),
            rule_note=shown_again(note),
            rule_expires=expires,
            rule_errors={refused.field or "cidr": refused.message},
        )
    saved = _("Saved: %(cidr)s may connect.") % {"cidr": rule.cidr}
    if "next" in request.POST:
        messages.success(request, notice or saved)
        return go_back(request, reverse("job_settings"))
    return respond(request, "access", notices=[("note" if notice else "good", notice or saved)])


def _add_everywhere(request: HttpRequest) -> HttpResponse:
    """Save the rules for every IPv4 and every IPv6 address."""
    for block in cidr.EVERYWHERE:
        try:
            services.add_access_rule(actor(request), person(request), block, _("Everywhere"))
        except Refused as refused:
            if refused.reason != RefusalReason.DUPLICATE_RULE:
                return respond(request, "access", status=refused.status, notices=[("bad", refused.message)])
    return respond(
        request,
        "access",
        notices=[("good", _("Saved: anyone with your key can connect, from any address."))],
    )


@login_required
@require_POST
def remove_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Delete an access rule, after confirmation."""
    rule = person(request).access_rules.filter(pk=rule_id).first()
    if rule is None:
        text = _("This rule is no longer in your list: it was removed before, perhaps in another window.")
        return respond(request, "access", status=404, notices=[("note", text)])
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove the rule %(cidr)s?") % {"cidr": rule.cidr},
            text=_("Connections from there end within seconds, unless another rule allows them."),
            button=_("Remove rule"),
            back=reverse("job_settings"),
        )
    text = rule.cidr
    services.remove_access_rule(actor(request), rule)
    return respond(request, "access", notices=[("good", _("Removed %(cidr)s.") % {"cidr": text})])


@login_required
@require_POST
def ssh_access(request: HttpRequest) -> HttpResponse:
    """Switch SSH access on, or off after confirmation."""
    wanted = request.POST.get("ssh_access") == "on"
    if not wanted and not is_confirmed(request):
        return ask_first(
            request,
            title=_("Switch SSH access off?"),
            text=_(
                "Nobody can connect until you switch it on again. Open SSH connections and terminals are closed."
            ),
            button=_("Switch off"),
            back=reverse("job_settings"),
            carried=[("ssh_access", "off")],
        )
    services.update_job_settings(actor(request), person(request), ssh_access=wanted)
    message = _("SSH access is on.") if wanted else _("SSH access is off.")
    return respond(request, "access", notices=[("good", message)])


@login_required
@require_POST
def auto_terminate(request: HttpRequest) -> HttpResponse:
    """Change whether clusters terminate when their command has ended."""
    wanted = request.POST.get("auto_terminate_cluster") == "on"
    services.update_job_settings(actor(request), person(request), auto_terminate_cluster=wanted)
    message = (
        _("Saved: from now on, clusters terminate when their command has ended.")
        if wanted
        else _("Saved: from now on, the head node keeps running until you terminate it. It costs until then.")
    )
    return respond(request, "terminate", notices=[("good" if wanted else "warning", message)])
