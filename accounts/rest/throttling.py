"""Limit how many requests each person and each address may send to the API.

`AddressLimit` is a Django middleware, because it counts before anybody is signed in: a wrong token is a request, too.
`PersonThrottle` is a REST framework throttle, which runs once the person is known. Pages, sign-in and
`/api-token-auth/`, which has limits of its own, are not counted.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import source_address
from accounts.rest.rate_limit import RateState, count_request

COUNTED = "/api/"
STATE = "headnode_rate_state"


class AddressLimit(MiddlewareMixin):
    """Answer 429 to addresses that send too many requests; add the `X-RateLimit` headers to every response."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Count the request of its source address. All whose address is unknown share one limit."""
        if not request.path.startswith(COUNTED):
            return None
        address = source_address.source_address_of(request)
        state = count_request(f"address:{address or 'unknown'}", settings.HEADNODE_API_REQUESTS_PER_ADDRESS)
        _remember(request, state)
        if state is None or state.is_allowed:
            return None
        refusal = _refusal(state)
        body = {"detail": str(refusal.detail), "reason": refusal.default_code}
        return JsonResponse(body, status=429, headers={"Retry-After": str(state.wait_seconds)})

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add the headers."""
        state: RateState | None = getattr(request, STATE, None)
        if state is not None:
            response.headers["X-RateLimit-Limit"] = str(state.limit)
            response.headers["X-RateLimit-Remaining"] = str(state.remaining)
        return response


class PersonThrottle(BaseThrottle):
    """Refuse (429) what a signed-in person sends beyond HEADNODE_API_REQUESTS_PER_PERSON, with whichever credential."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request. Raises Throttled (429)."""
        if not request.path.startswith(COUNTED) or not request.user.is_authenticated:
            return True
        state = count_request(f"person:{request.user.pk}", settings.HEADNODE_API_REQUESTS_PER_PERSON)
        _remember(request._request, state)
        if state is not None and not state.is_allowed:
            raise _refusal(state)
        return True


def _refusal(state: RateState) -> Throttled:
    """Return the refusal; REST framework adds to its sentence for how long to wait, and the `Retry-After` header."""
    return Throttled(state.wait_seconds, "Too many requests.")


def _remember(request: HttpRequest, state: RateState | None) -> None:
    """Keep what the headers show: the person's state, where there is one, is counted last."""
    if state is not None:
        setattr(request, STATE, state)
