"""The Job Settings page. Each of its three sections is also a fragment."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import cidr, services, source_address
from accounts.keys import validity
from accounts.keys.public_keys import LONGEST_BYTES
from accounts.keys.validity import Validity
from accounts.models import AccessRule, SSHKey
from accounts.views.pages import is_fragment, person

SECTIONS = {
    "keys": "accounts/fragments/ssh_keys.html",
    "access": "accounts/fragments/access.html",
    "terminate": "accounts/fragments/auto_terminate.html",
}
LEVELS = {
    "good": messages.SUCCESS,
    "note": messages.INFO,
    "warning": messages.WARNING,
    "bad": messages.ERROR,
}


@dataclass(frozen=True)
class KeyRow:
    """A saved key, its validity, and whether it expires soon."""

    key: SSHKey
    validity: Validity
    ends_soon: bool


@dataclass(frozen=True)
class RuleRow:
    """A saved access rule and its validity."""

    rule: AccessRule
    validity: Validity


@login_required
@never_cache
@require_GET
def job_settings(request: HttpRequest) -> HttpResponse:
    """Show keys, access rules, SSH access and automatic termination."""
    return render(request, "accounts/job_settings.html", context(request))


def context(request: HttpRequest) -> dict[str, Any]:
    """Return the template context of the page and its fragments."""
    owner = person(request)
    address = source_address.source_address_of(request)
    expiring = validity.expiring_keys(owner)
    rules = [RuleRow(rule, validity.rule_validity(rule)) for rule in owner.access_rules.all()]
    own_rule = str(cidr.parse(address).network) if address else ""
    saved = {row.rule.cidr for row in rules if row.validity is Validity.ACTIVE}
    return {
        "nav": "settings",
        "section": "job",
        "keys": [KeyRow(key, validity.key_validity(key), key in expiring) for key in owner.ssh_keys.all()],
        "expiring_keys": expiring,
        "longest_key": LONGEST_BYTES,
        "key_types": settings.HEADNODE_KEY_TYPES,
        "portal_name": settings.HEADNODE_NAME,
        "everywhere_allowed": settings.HEADNODE_ALLOW_EVERYWHERE,
        "today": timezone.now().date(),
        "rules": rules,
        "settings": services.job_settings(owner),
        "address": address,
        "own_rule": own_rule,
        "address_allowed": cidr.allows(saved, address),
        "everywhere_saved": set(cidr.EVERYWHERE) <= saved,
        "own_rule_saved": own_rule in saved,
    }


def respond(
    request: HttpRequest,
    section: str,
    *,
    notices: list[tuple[str, str]] | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Respond to a form: its section for htmx, else a redirect, or the whole page to show the form again."""
    if status == 200 and not more.get("offers") and not is_fragment(request):
        for kind, text in notices or []:
            messages.add_message(request, LEVELS[kind], text)
        return redirect(f"{reverse('job_settings')}#{section}")
    section_context = {**context(request), "notices": notices or [], "answered": section, **more}
    template = SECTIONS[section] if is_fragment(request) else "accounts/job_settings.html"
    return render(request, template, section_context, status=status)
