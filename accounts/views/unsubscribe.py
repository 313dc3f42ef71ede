"""Stop mail of some kinds with the link that each mail has, without signing in."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import services, source_address
from accounts.audit.trail import Actor
from accounts.notifications.unsubscribing import read_token


# A mail program posts here by itself (RFC 8058), without a cookie; the token in the address is what allows it.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, because programs that look at links must change nothing; stop the mail on POST."""
    found = read_token(token)
    if found is None:
        raise Http404
    person, kinds = found
    if request.method == "POST":
        by = Actor(person, source_address.source_address_of(request), "mail")
        services.stop_mail(by, person, kinds)
    context = {
        "headings": [_(kind.heading) for kind in kinds],
        "done": request.method == "POST",
        "address": person.email,
    }
    return render(request, "accounts/unsubscribe.html", context)
