"""The broker's HTTP views. Nodes send no cookies; their token is their only credential."""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.refusals import Refused
from accounts.source_address import source_address_of
from jobs.context import broker
from jobs.context.node_refusals import NodeRefusal
from jobs.node_contract.broker_calls import AUTHORIZATION_SCHEME

logger = logging.getLogger(__name__)
MAX_BODY = 1536 * 1024
RETRY_SECONDS = 1


@csrf_exempt
@require_POST
def register(request: HttpRequest) -> JsonResponse:
    """POST register/ with `Authorization: Node <token>`."""
    return _respond(request, broker.register)


@csrf_exempt
@require_POST
def peers(request: HttpRequest) -> JsonResponse:
    """POST peers/ with `Authorization: Node <token>`; 202 with Retry-After while some have not registered."""
    return _respond(request, broker.peers)


@csrf_exempt
@require_POST
def progress(request: HttpRequest) -> JsonResponse:
    """POST progress/ with `Authorization: Node <token>`."""
    return _respond(request, broker.progress)


@csrf_exempt
@require_POST
def report(request: HttpRequest) -> JsonResponse:
    """POST report/ with `Authorization: Node <token>`."""
    return _respond(request, broker.report)


def _respond(
    request: HttpRequest, action: Callable[[str, dict[str, Any], str], dict[str, Any]]
) -> JsonResponse:
    try:
        answer = action(_token(request), _body(request), source_address_of(request))
    except Refused as refused:
        logger.warning("a node was refused: %s", refused.reason)
        return JsonResponse({"reason": refused.reason, "detail": refused.message}, status=refused.status)
    if "waiting_for" in answer:
        return JsonResponse(answer, status=202, headers={"Retry-After": str(RETRY_SECONDS)})
    return JsonResponse(answer)


def _token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != AUTHORIZATION_SCHEME or not token.isascii() or not token:
        raise NodeRefusal.NO_CREDENTIAL.refused()
    return token.strip()


def _body(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise NodeRefusal.TOO_LARGE.refused(f"At most {MAX_BODY // 1024} kB are allowed.")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise NodeRefusal.NOT_JSON.refused() from error
    if not isinstance(document, dict):
        raise NodeRefusal.NOT_JSON.refused()
    return document
