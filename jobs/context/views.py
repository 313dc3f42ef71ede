"""The broker's HTTP door. Nodes come without cookies; their token is all they have."""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import source_address
from accounts.refusals import Refused
from jobs.context import broker

logger = logging.getLogger(__name__)
MAX_BODY = 1536 * 1024
ASK_AGAIN_SECONDS = 1


@csrf_exempt
@require_POST
def register(request: HttpRequest) -> JsonResponse:
    """POST register/ with `Authorization: Node <token>`."""
    return _answer(request, broker.register)


@csrf_exempt
@require_POST
def peers(request: HttpRequest) -> JsonResponse:
    """POST peers/ with `Authorization: Node <token>`; 202 with Retry-After while some have not registered."""
    return _answer(request, broker.peers)


@csrf_exempt
@require_POST
def progress(request: HttpRequest) -> JsonResponse:
    """POST progress/ with `Authorization: Node <token>`."""
    return _answer(request, broker.progress)


@csrf_exempt
@require_POST
def report(request: HttpRequest) -> JsonResponse:
    """POST report/ with `Authorization: Node <token>`."""
    return _answer(request, broker.report)


def _answer(request: HttpRequest, verb: Callable[[str, dict[str, Any], str], dict[str, Any]]) -> JsonResponse:
    try:
        word, _, token = request.headers.get("Authorization", "").partition(" ")
        if word != "Node" or not token.isascii() or not token:
            raise Refused("token_missing", "Say `Authorization: Node <token>`.", status=401)
        answer = verb(token.strip(), _body(request), source_address.source_address_of(request))
    except Refused as refused:
        logger.warning("a node was refused: %s", refused.reason)
        return JsonResponse({"reason": refused.reason, "detail": refused.message}, status=refused.status)
    if "waiting_for" in answer:
        return JsonResponse(answer, status=202, headers={"Retry-After": str(ASK_AGAIN_SECONDS)})
    return JsonResponse(answer)


def _body(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise Refused("too_large", f"At most {MAX_BODY // 1024} kB.", status=413)
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused("not_json", "The body is no JSON.") from error
    if not isinstance(said, dict):
        raise Refused("not_json", "The body is no JSON object.")
    return said
