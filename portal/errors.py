"""Error responses: pages for people, JSON for programs."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

SENTENCES = {
    400: ("bad_request", "The request could not be understood."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is no such page or object."),
    500: ("server_error", "Something broke on our side. It was logged; please try again."),
}


def is_for_programs(path: str) -> bool:
    """Return whether errors under this path are JSON."""
    return path.startswith(("/api/", "/api-token-auth/", "/context/"))


def _error_response(request: HttpRequest, status: int) -> HttpResponse:
    reason, sentence = SENTENCES[status]
    if is_for_programs(request.path):
        return JsonResponse({"detail": sentence, "reason": reason}, status=status)
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error_response(request, 400)


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error_response(request, 403)


def page_not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error_response(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error_response(request, 500)
