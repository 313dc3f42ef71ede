"""The cloud's HTTP API: a bearer token at the door, JSON in and out, every refusal a word and a sentence."""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jobs.simulator.cloud.cloud import Cloud
from jobs.simulator.spec import Refused

log = logging.getLogger("simulator")
LARGEST_BODY = 4 << 20
MOST_ECHOES = 1000
Answer = tuple[int, Any]
Handler = Callable[[Request], Awaitable[Answer]]


def refusal(status: int, reason: str, message: str) -> JSONResponse:
    """How every error looks."""
    return JSONResponse({"reason": reason, "message": message}, status)


async def _document(request: Request) -> Any:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Refused("too_large", f"A request may have {LARGEST_BODY} bytes.", 413)
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise Refused("invalid_json", "The request is not JSON.") from None


class Echoes:
    """The fault `duplicate_answers`: a change is made twice, and the second answer counts; a question is answered with
    what was the answer last time."""

    def __init__(self) -> None:
        self._last: dict[str, Answer] = {}

    async def answer(self, request: Request, handler: Handler) -> Answer:
        """The answer to a request, the way such a cloud gives it."""
        if request.method != "GET":
            await request.body()  # kept by the request, for the second time
            await handler(request)
            return await handler(request)
        key, now = str(request.url), await handler(request)
        before = self._last.pop(key, now)
        self._last[key] = now
        while len(self._last) > MOST_ECHOES:
            self._last.pop(next(iter(self._last)))
        return before


async def _message(request: Request) -> tuple[str, str]:
    """A message for people on a node, and the key that tells it from another one."""
    document = await _document(request)
    said = document if isinstance(document, dict) else {"message": None}
    message, key = said.get("message", ""), said.get("key", "")
    if not isinstance(message, str) or len(message) > 1000:
        raise Refused("invalid_message", "'message' must be a text of at most 1000 characters.")
    if not isinstance(key, str) or len(key) > 100:
        raise Refused("invalid_key", "'key' must be a text of at most 100 characters.")
    return message, key


def make_app(cloud: Cloud, token: str) -> Starlette:  # noqa: C901 - a list of small handlers
    """The application that serves this cloud."""
    expected = f"Bearer {token}".encode()
    echoes = Echoes()

    def guarded(handler: Handler, subject: str = "") -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, expected):
                return refusal(
                    401, "unauthorized", "Send the simulator's token as 'Authorization: Bearer <token>'."
                )
            cluster_id = request.path_params.get("id", "")
            if subject != "operator":
                if (slow := cloud.faults.get("api_slow", cluster_id)) is not None:
                    await asyncio.sleep(slow.seconds)
                if cloud.faults.get("api_down", cluster_id) is not None:
                    return refusal(503, "api_down", "The cloud's API is down.")
            try:
                if subject != "operator" and cloud.faults.get("duplicate_answers", cluster_id) is not None:
                    status, body = await echoes.answer(request, handler)
                else:
                    status, body = await handler(request)
            except Refused as refused:
                return refusal(refused.status, refused.reason, refused.message)
            except OSError as error:
                log.error("%s %s: %s", request.method, request.url.path, error)
                return refusal(
                    507, "state_unwritable", f"The cloud cannot keep its state ({error.strerror}); try again."
                )
            return JSONResponse(body, status)

        return endpoint

    async def clusters(request: Request) -> Answer:
        return 200, cloud.documents()

    async def cluster(request: Request) -> Answer:
        cluster_id = request.path_params["id"]
        if request.method == "PUT":
            body, created = cloud.create(cluster_id, await _document(request))
            return (201 if created else 200), body
        if request.method == "DELETE":
            return 202, cloud.delete(cluster_id)
        return 200, cloud.get(cluster_id).document()

    async def access(request: Request) -> Answer:
        return 200, await cloud.change_access(request.path_params["id"], await _document(request))

    async def logins(request: Request) -> Answer:
        return 200, cloud.logins(request.path_params["id"], request.query_params.get("after", "0"))

    async def host_certificates(request: Request) -> Answer:
        return 200, await cloud.certify(request.path_params["id"], await _document(request))

    async def stop(request: Request) -> Answer:
        message, _ = await _message(request)
        return 202, cloud.stop_node(request.path_params["id"], request.path_params["name"], message)

    async def broadcast(request: Request) -> Answer:
        message, key = await _message(request)
        return 200, await cloud.get(request.path_params["id"]).broadcast(message, key)

    async def faults(request: Request) -> Answer:
        if request.method == "PUT":
            return 200, await cloud.change_faults(await _document(request))
        return 200, cloud.fault_document()

    async def capacity(request: Request) -> Answer:
        if request.method == "PUT":
            return 200, cloud.change_capacity(await _document(request))
        return 200, cloud.capacity_document(request.query_params.getlist("core_type"))

    async def health(request: Request) -> Response:
        return JSONResponse(cloud.health())

    async def wrong_address(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        words = {
            404: ("not_found", "There is nothing at this address."),
            405: ("wrong_method", "Not with this method."),
        }
        return refusal(status, *words.get(status, ("http_error", "The request cannot be served.")))

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/v1/clusters", guarded(clusters)),
            Route("/v1/clusters/{id}", guarded(cluster), methods=["GET", "PUT", "DELETE"]),
            Route("/v1/clusters/{id}/access", guarded(access), methods=["PUT"]),
            Route("/v1/clusters/{id}/logins", guarded(logins)),
            Route("/v1/clusters/{id}/host-certificates", guarded(host_certificates), methods=["PUT"]),
            Route("/v1/clusters/{id}/broadcast", guarded(broadcast), methods=["POST"]),
            Route("/v1/clusters/{id}/nodes/{name}/stop", guarded(stop), methods=["POST"]),
            Route("/v1/faults", guarded(faults, "operator"), methods=["GET", "PUT"]),
            Route("/v1/capacity", guarded(capacity, "operator"), methods=["GET", "PUT"]),
        ],
        exception_handlers={HTTPException: wrong_address},
    )
