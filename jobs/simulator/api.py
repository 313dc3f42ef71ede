"""The cloud's HTTP API: a bearer token, JSON in and out, every error a reason and a sentence."""

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

from jobs.node_contract.documents import InvalidDocument
from jobs.simulator.cloud.cloud import Cloud
from jobs.simulator.faults.fault_kinds import FaultName
from jobs.simulator.spec import RequestRefused

log = logging.getLogger("simulator")
LARGEST_BODY = 4 << 20
LONGEST_MESSAGE, LONGEST_KEY = 1000, 100
MAX_REMEMBERED = 1000
Answer = tuple[int, Any]
Handler = Callable[[Request], Awaitable[Answer]]
Endpoint = Callable[[Request], Awaitable[Response]]


def error_response(status: int, reason: str, message: str) -> JSONResponse:
    """Return an error in the form that all have."""
    return JSONResponse({"reason": reason, "message": message}, status)


async def _read_document(request: Request) -> Any:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise RequestRefused("too_large", f"A request may have {LARGEST_BODY} bytes.", 413)
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise InvalidDocument("invalid_json", "The request is not JSON.") from None


async def _read_message(request: Request) -> tuple[str, str]:
    """Return a message for people on a node, and the key that tells it from another one."""
    document = await _read_document(request)
    fields = document if isinstance(document, dict) else {"message": None}
    message, key = fields.get("message", ""), fields.get("key", "")
    if not isinstance(message, str) or len(message) > LONGEST_MESSAGE:
        raise InvalidDocument(
            "invalid_message", f"'message' must be a text of at most {LONGEST_MESSAGE} characters."
        )
    if not isinstance(key, str) or len(key) > LONGEST_KEY:
        raise InvalidDocument("invalid_key", f"'key' must be a text of at most {LONGEST_KEY} characters.")
    return message, key


class DuplicateAnswers:
    """The fault `duplicate_answers`.

    A change is made twice and the second answer is given; a GET gets the answer of the GET before.
    """

    def __init__(self) -> None:
        self._last: dict[str, Answer] = {}

    async def answer(self, request: Request, handler: Handler) -> Answer:
        """Return the answer that such a cloud gives."""
        if request.method != "GET":
            await request.body()  # remembered by the request, for the second time
            await handler(request)
            return await handler(request)
        key, now = str(request.url), await handler(request)
        before = self._last.pop(key, now)
        self._last[key] = now
        while len(self._last) > MAX_REMEMBERED:
            self._last.pop(next(iter(self._last)))
        return before


class Gate:
    """Checks the token, applies the faults of the API, and turns exceptions into errors."""

    def __init__(self, cloud: Cloud, token: str) -> None:
        self._cloud = cloud
        self._expected = f"Bearer {token}".encode()
        self._duplicates = DuplicateAnswers()

    def protect(self, handler: Handler) -> Endpoint:
        """Return an endpoint that the faults of the API affect."""
        return self._endpoint(handler, self._faulty_answer)

    def protect_operator(self, handler: Handler) -> Endpoint:
        """Return an endpoint that always works: faults are switched off through it."""
        return self._endpoint(handler, lambda request, handler: handler(request))

    def _endpoint(
        self, handler: Handler, answer: Callable[[Request, Handler], Awaitable[Answer]]
    ) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, self._expected):
                return error_response(
                    401, "unauthorized", "Send the simulator's token as 'Authorization: Bearer <token>'."
                )
            try:
                status, body = await answer(request, handler)
            except InvalidDocument as invalid:
                return error_response(400, invalid.reason, invalid.message)
            except RequestRefused as refused:
                return error_response(refused.status, refused.reason, refused.message)
            except OSError as error:
                log.error("%s %s: %s", request.method, request.url.path, error)
                return error_response(
                    507, "state_unwritable", f"The cloud cannot keep its state ({error.strerror}); try again."
                )
            return JSONResponse(body, status)

        return endpoint

    async def _faulty_answer(self, request: Request, handler: Handler) -> Answer:
        faults, cluster_id = self._cloud.faults, request.path_params.get("id", "")
        if (slow := faults.get(FaultName.API_SLOW, cluster_id)) is not None:
            await asyncio.sleep(slow.seconds)
        if faults.get(FaultName.API_DOWN, cluster_id) is not None:
            raise RequestRefused("api_down", "The cloud's API is down.", 503)
        if faults.get(FaultName.DUPLICATE_ANSWERS, cluster_id) is not None:
            return await self._duplicates.answer(request, handler)
        return await handler(request)


class Handlers:
    """One method for each route."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def clusters(self, request: Request) -> Answer:
        """GET every cluster."""
        return 200, self._cloud.documents()

    async def cluster(self, request: Request) -> Answer:
        """GET, PUT (order) or DELETE one cluster."""
        cluster_id = request.path_params["id"]
        if request.method == "PUT":
            body, created = self._cloud.create(cluster_id, await _read_document(request))
            return (201 if created else 200), body
        if request.method == "DELETE":
            message, _ = await _read_message(request)
            return 202, self._cloud.delete(cluster_id, message)
        return 200, self._cloud.get(cluster_id).document()

    async def usage(self, request: Request) -> Answer:
        """GET how long the nodes of a cluster existed, also of one that is gone."""
        return 200, self._cloud.usage(request.path_params["id"])

    async def access(self, request: Request) -> Answer:
        """PUT the access document."""
        return 200, await self._cloud.change_access(request.path_params["id"], await _read_document(request))

    async def logins(self, request: Request) -> Answer:
        """GET who logged in."""
        return 200, self._cloud.logins(request.path_params["id"], request.query_params.get("after", "0"))

    async def host_certificates(self, request: Request) -> Answer:
        """PUT host certificates."""
        document = await _read_document(request)
        return 200, await self._cloud.show_certificates(request.path_params["id"], document)

    async def broadcast(self, request: Request) -> Answer:
        """POST a message to every terminal."""
        message, key = await _read_message(request)
        return 200, await self._cloud.get(request.path_params["id"]).broadcast(message, key)

    async def stop_node(self, request: Request) -> Answer:
        """POST a node's shutdown."""
        message, _ = await _read_message(request)
        return 202, self._cloud.stop_node(request.path_params["id"], request.path_params["name"], message)

    async def faults(self, request: Request) -> Answer:
        """GET or PUT the faults that are on."""
        control = self._cloud.fault_control
        if request.method == "PUT":
            return 200, await control.change(await _read_document(request))
        return 200, control.document()

    async def capacity(self, request: Request) -> Answer:
        """GET or PUT the cores of core types."""
        if request.method == "PUT":
            return 200, self._cloud.change_capacity(await _read_document(request))
        return 200, self._cloud.capacity_document(request.query_params.getlist("core_type"))

    async def health(self, request: Request) -> Response:
        """GET whether the simulator runs, without a token."""
        return JSONResponse(self._cloud.health())


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = {
        404: ("not_found", "There is nothing at this address."),
        405: ("wrong_method", "Not with this method."),
    }
    return error_response(status, *known.get(status, ("http_error", "The request cannot be served.")))


def make_app(cloud: Cloud, token: str) -> Starlette:
    """Return the application that serves this cloud."""
    handlers, gate = Handlers(cloud), Gate(cloud, token)
    protect, operator = gate.protect, gate.protect_operator
    one = "/v1/clusters/{id}"
    return Starlette(
        routes=[
            Route("/healthz", handlers.health),
            Route("/v1/clusters", protect(handlers.clusters)),
            Route(one, protect(handlers.cluster), methods=["GET", "PUT", "DELETE"]),
            Route(one + "/access", protect(handlers.access), methods=["PUT"]),
            Route(one + "/logins", protect(handlers.logins)),
            Route(one + "/host-certificates", protect(handlers.host_certificates), methods=["PUT"]),
            Route(one + "/broadcast", protect(handlers.broadcast), methods=["POST"]),
            Route(one + "/nodes/{name}/stop", protect(handlers.stop_node), methods=["POST"]),
            Route("/v1/usage/{id}", protect(handlers.usage)),
            Route("/v1/faults", operator(handlers.faults), methods=["GET", "PUT"]),
            Route("/v1/capacity", operator(handlers.capacity), methods=["GET", "PUT"]),
        ],
        exception_handlers={HTTPException: _http_error},
    )
