"""The administrators' page of the rate card: what a core of each type costs per hour."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.views.pages import actor
from jobs.costs import rate_card
from jobs.costs.price_history import is_simulated, portal_currency
from jobs.costs.rate_card import PricesRefused
from jobs.models import CoreType, Price
from jobs.views.administrator_pages import hidden_from_others

HISTORY_ROWS = 50


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def rate_card_page(request: HttpRequest) -> HttpResponse:
    """Show the prices and their history; on POST set them from now on."""
    core_types = list(CoreType.objects.all())
    if request.method != "POST":
        return _show(request, core_types)
    # A core type that was added meanwhile is not in the form, and keeps its price.
    names = {core_type.pk: f"price_{core_type.pk}" for core_type in core_types}
    typed = {code: request.POST[name].strip() for code, name in names.items() if name in request.POST}
    prices, unreadable = {}, {}
    for code, text in typed.items():
        if text == request.POST.get(f"was_{code}"):
            continue  # left as it was: somebody else may have changed it meanwhile
        try:
            prices[code] = Decimal(text.replace(",", "."))
        except InvalidOperation:
            unreadable[code] = _("Enter a number, such as 0.05.")
    currency = request.POST.get("currency", "").strip().upper()
    if unreadable:
        return _show(request, core_types, typed, unreadable, currency)
    try:
        rate_card.change_rate_card(
            actor(request),
            prices=prices,
            currency=None if currency == request.POST.get("was_currency") else currency,
            simulated=request.POST.get("simulated") == "on",
        )
    except PricesRefused as refused:
        errors = {getattr(p, "code", p.field or ""): p.message for p in refused.problems}
        return _show(request, core_types, typed, errors, currency)
    messages.success(request, _("Saved. The prices count from now on."))
    return redirect("rate_card")


def _show(
    request: HttpRequest,
    core_types: list[CoreType],
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    currency: str = "",
) -> HttpResponse:
    typed, errors = typed or {}, errors or {}
    rows: list[dict[str, Any]] = [
        {
            "core_type": core_type,
            "value": typed.get(core_type.pk, _shown(core_type.price_per_core_hour)),
            "was": request.POST.get(f"was_{core_type.pk}", _shown(core_type.price_per_core_hour)),
            "error": errors.get(core_type.pk, ""),
        }
        for core_type in core_types
    ]
    history = (
        Price.objects.exclude(set_by="").select_related("core_type").order_by("-valid_from", "core_type")
    )
    context = {
        "nav": "rate_card",
        "rows": rows,
        "currency": currency or portal_currency(),
        "currency_was": request.POST.get("was_currency", portal_currency()),
        "currency_error": errors.get("currency", ""),
        "simulated": request.POST.get("simulated") == "on" if typed else is_simulated(),
        "history": [(price, _shown(price.per_core_hour)) for price in history[:HISTORY_ROWS]],
    }
    return render(request, "jobs/rate_card.html", context, status=400 if errors else 200)


def _shown(price: Decimal) -> str:
    """Return a price without zeros at the end."""
    return f"{price.normalize():f}"
