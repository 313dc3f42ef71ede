"""The forms for SSH keys on the Job Settings page."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import services
from accounts.keys import public_keys
from accounts.keys.key_refusals import KeyRefusalReason
from accounts.keys.public_keys import PublicKey, SeveralKeys
from accounts.models import SSHKey
from accounts.refusals import Refused
from accounts.views.expiry_dates import end_of_day
from accounts.views.job_settings import respond
from accounts.views.pages import actor, ask_first, go_back, is_confirmed, person, shown_again

MAX_OFFERS = 50


@sensitive_post_parameters("name", "public_key")
@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Save a pasted key. Several keys in one text are offered one by one."""
    name, text = request.POST.get("name", ""), request.POST.get("public_key", "")
    if "each" in request.POST:
        return _add_each(request, request.POST.getlist("public_key")[:MAX_OFFERS])
    expires = request.POST.get("expires", "")
    try:
        # Parsed here for its notice only; the service parses the text again.
        notice = public_keys.parse(text).notice
        key = services.add_ssh_key(actor(request), person(request), name, text, end_of_day(expires))
    except Refused as refused:
        if "next" in request.POST:
            messages.error(request, refused.message)
            return go_back(request, reverse("job_settings"))
        if isinstance(refused, SeveralKeys) and refused.keys:
            return respond(
                request, "keys", status=refused.status, key_name=shown_again(name), **_offer(refused)
            )
        return respond(
            request,
            "keys",
            status=refused.status,
            key_name=shown_again(name),
            key_expires=expires,
            # A private key is never sent back. Other text is, so that the user can correct it.
            key_text="" if refused.reason == KeyRefusalReason.PRIVATE_KEY else text,
            key_errors={refused.field or "public_key": refused.message},
        )
    if "next" in request.POST:
        return go_back(request, reverse("job_settings"))
    notices = [
        ("good", _("Saved “%(name)s”: %(fingerprint)s") % {"name": key.name, "fingerprint": key.fingerprint})
    ]
    if notice:
        notices.append(("note", notice))
    return respond(request, "keys", notices=notices, offers=_others(request, text))


def _offer(several: SeveralKeys) -> dict[str, Any]:
    """Return the context that offers each usable key of several, and says how many there were."""
    text = _("There are %(count)d keys in this text.")
    if len(several.keys) < several.count:
        text = _("There are %(count)d keys in this text; %(usable)d of them can be added.")
    return {
        "offers": several.keys,
        "offer_text": text % {"count": several.count, "usable": len(several.keys)},
    }


def _others(request: HttpRequest, added: str) -> tuple[PublicKey, ...]:
    """Return the other offered keys, after one of them was added."""
    rest = []
    for line in request.POST.getlist("other")[:MAX_OFFERS]:
        try:
            key = public_keys.parse(line)
        except Refused:
            continue
        if key.line != added:
            rest.append(key)
    return tuple(rest)


def _add_each(request: HttpRequest, texts: list[str]) -> HttpResponse:
    """Save every offered key, with a notice for each that is refused."""
    saved, notices = 0, []
    for text in texts:
        try:
            services.add_ssh_key(actor(request), person(request), "", text)
            saved += 1
        except Refused as refused:
            notices.append(("warning", refused.message))
    if saved:
        text = ngettext("Saved %(count)d key.", "Saved %(count)d keys.", saved) % {"count": saved}
        notices.insert(0, ("good", text))
    return respond(request, "keys", notices=notices, status=200 if saved else 400)


@login_required
@require_POST
def change_expiry(request: HttpRequest, key_id: int) -> HttpResponse:
    """Set or clear the expiry date of a key."""
    key = _find_key(request, key_id)
    if key is None:
        return _not_there(request)
    try:
        services.set_key_expiry(actor(request), key, end_of_day(request.POST.get("expires", "")))
    except Refused as refused:
        return respond(request, "keys", status=refused.status, notices=[("bad", refused.message)])
    message = _("“%(name)s” does not expire.") % {"name": key.name}
    if key.expires_at:
        day = f"{key.expires_at:%Y-%m-%d}"
        message = _("“%(name)s” can be used until the end of %(day)s (UTC).") % {"name": key.name, "day": day}
    return respond(request, "keys", notices=[("good", message)])


@login_required
@require_POST
def disable(request: HttpRequest, key_id: int) -> HttpResponse:
    """Disable a key, after confirmation."""
    key = _find_key(request, key_id)
    if key is None:
        return _not_there(request)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Disable the key “%(name)s”?") % {"name": key.name},
            text=_(
                "Running clusters stop accepting it within seconds, and its open connections are closed. "
                "It stays in the list, and you can enable it again."
            ),
            button=_("Disable key"),
            back=reverse("job_settings"),
        )
    services.disable_ssh_key(actor(request), key)
    return respond(request, "keys", notices=[("good", _("Disabled “%(name)s”.") % {"name": key.name})])


@login_required
@require_POST
def enable(request: HttpRequest, key_id: int) -> HttpResponse:
    """Enable a disabled key."""
    key = _find_key(request, key_id)
    if key is None:
        return _not_there(request)
    try:
        services.enable_ssh_key(actor(request), key)
    except Refused as refused:
        return respond(request, "keys", status=refused.status, notices=[("bad", refused.message)])
    return respond(request, "keys", notices=[("good", _("Enabled “%(name)s”.") % {"name": key.name})])


@login_required
@require_POST
def remove(request: HttpRequest, key_id: int) -> HttpResponse:
    """Delete a key, after confirmation."""
    key = _find_key(request, key_id)
    if key is None:
        return _not_there(request)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove the key “%(name)s”?") % {"name": key.name},
            text=_(
                "Running clusters stop accepting it within seconds, and its open connections are closed. "
                "The key on your computer is not changed, and you can add it here again."
            ),
            button=_("Remove key"),
            back=reverse("job_settings"),
        )
    name = key.name
    services.remove_ssh_key(actor(request), key)
    return respond(request, "keys", notices=[("good", _("Removed “%(name)s”.") % {"name": name})])


def _find_key(request: HttpRequest, key_id: int) -> SSHKey | None:
    """Return the user's own key with this id, or None."""
    return person(request).ssh_keys.filter(pk=key_id).first()


def _not_there(request: HttpRequest) -> HttpResponse:
    """Say that the key is not in the list. A key of somebody else looks exactly like one that was removed."""
    text = _("This key is no longer in your list: it was removed before, perhaps in another window.")
    return respond(request, "keys", status=404, notices=[("note", text)])
