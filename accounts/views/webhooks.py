"""The webhooks pages: add one and see its secret once; change, test, remove it; its deliveries with the answers."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.models import Webhook, WebhookDelivery
from accounts.notifications.kinds import NotificationKind, find_kind
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.views.pages import actor, ask_first, is_confirmed, is_fragment, person

PAGE_SIZE = 20
# How many answers of one delivery are shown.
TRIES_SHOWN = 12


def _hook(request: HttpRequest, webhook_id: int) -> Webhook:
    return get_object_or_404(Webhook, pk=webhook_id, owner=person(request))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show the webhooks and the form that adds one; add one on POST."""
    if request.method != "POST":
        return _show_all(request)
    url, kinds = request.POST.get("url", ""), request.POST.getlist("kinds")
    try:
        hook, secret = services.add_webhook(actor(request), person(request), url, _kinds(request))
    except Refused as refused:
        errors = {refused.field or "url": refused.message}
        return _show_all(request, refused.status, url=url, chosen=kinds, errors=errors)
    # No redirect: the secret is shown once, and a redirect would need it saved somewhere.
    return _show_all(request, made=hook, secret=secret)


def _kinds(request: HttpRequest) -> list[str]:
    """Return the kinds of the form; every box checked is saved as none: also kinds that come later are sent.

    Raises Refused (`webhook_kind_unknown`) if no box is checked.
    """
    chosen = request.POST.getlist("kinds")
    if not chosen:
        raise Refused(RefusalReason.WEBHOOK_KIND_UNKNOWN, _("Choose at least one kind."), field="kinds")
    return [] if set(chosen) == {kind.value for kind in NotificationKind} else chosen


def _show_all(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "nav": "settings",
        "section": "webhooks",
        "webhooks": person(request).webhooks.all(),
        "kinds": _kind_rows(more.get("chosen", [])),
        **more,
    }
    template = "accounts/fragments/webhooks.html" if is_fragment(request) else "accounts/webhooks.html"
    return render(request, template, context, status=status)


def _kind_rows(chosen: list[str]) -> list[dict[str, Any]]:
    return [
        {"value": kind.value, "heading": _(kind.heading), "is_on": not chosen or kind.value in chosen}
        for kind in NotificationKind
    ]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def one_webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Show one webhook with its deliveries; change it on POST."""
    hook = _hook(request, webhook_id)
    if request.method != "POST":
        return _show_one(request, hook)
    url, enabled = request.POST.get("url", ""), "enabled" in request.POST
    try:
        hook = services.change_webhook(actor(request), hook, url=url, kinds=_kinds(request), enabled=enabled)
    except Refused as refused:
        errors = {refused.field or "url": refused.message}
        return _show_one(request, hook, refused.status, url=url, errors=errors)
    return _show_one(request, hook, notices=[("good", _("Saved."))])


def _show_one(request: HttpRequest, hook: Webhook, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "nav": "settings",
        "section": "webhooks",
        "hook": hook,
        "url": hook.url,
        "kinds": _kind_rows(hook.kinds),
        **_deliveries(request, hook),
        **more,
    }
    return render(request, "accounts/webhook.html", context, status=status)


@login_required
@never_cache
@require_GET
def deliveries(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Return the list of deliveries, which the page asks for again while one is on its way."""
    return _show_deliveries(request, _hook(request, webhook_id))


def _show_deliveries(request: HttpRequest, hook: Webhook) -> HttpResponse:
    context = {"hook": hook, **_deliveries(request, hook)}
    return render(request, "accounts/fragments/webhook_deliveries.html", context)


def _deliveries(request: HttpRequest, hook: Webhook) -> dict[str, Any]:
    rows: QuerySet[WebhookDelivery] = hook.deliveries.select_related("notification").prefetch_related("tries")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = [_delivery_row(row) for row in page.object_list]
    return {"page": page, "deliveries": shown, "is_under_way": any(row["is_first_try"] for row in shown)}


def _delivery_row(row: WebhookDelivery) -> dict[str, Any]:
    tries = list(row.tries.all())
    kind = find_kind(row.notification.kind) if row.notification else None
    return {
        "delivery": row,
        "heading": row.notification.title if row.notification else _("Test"),
        "kind": _(kind.heading) if kind else "",
        "tries": tries[:TRIES_SHOWN],
        "more": max(0, len(tries) - TRIES_SHOWN),
        "is_first_try": row.due_at is not None and row.attempts == 0 and row.webhook.enabled,
    }


@login_required
@require_POST
def send_test(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Send a test message."""
    hook = _hook(request, webhook_id)
    try:
        services.send_webhook_test(hook)
    except Refused as refused:
        return _show_one(request, hook, refused.status, notices=[("bad", refused.message)])
    return _show_deliveries(request, hook) if is_fragment(request) else redirect("webhook", hook.pk)


@login_required
@require_POST
def again(request: HttpRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    """Send one delivery again."""
    hook = _hook(request, webhook_id)
    delivery = get_object_or_404(WebhookDelivery, pk=delivery_id, webhook=hook)
    try:
        services.send_delivery_again(delivery)
    except Refused as refused:
        return _show_one(request, hook, refused.status, notices=[("bad", refused.message)])
    return _show_deliveries(request, hook) if is_fragment(request) else redirect("webhook", hook.pk)


@login_required
@require_POST
def remove(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Delete a webhook, after confirmation."""
    hook = _hook(request, webhook_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove this webhook?"),
            text=_("Nothing is sent to %(url)s any more, and the list of deliveries is deleted.")
            % {"url": hook.url},
            button=_("Remove webhook"),
            back=reverse("webhook", args=[hook.pk]),
        )
    url = hook.url
    services.remove_webhook(actor(request), hook)
    if is_fragment(request):
        return _show_all(request, notices=[("good", _("Removed %(url)s.") % {"url": url})])
    return redirect("webhooks")
