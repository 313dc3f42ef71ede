"""Health and metrics endpoints, for supervisors, load balancers and Prometheus."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from accounts import cidr, source_address
from jobs.control.heartbeat import worker_seen_lately
from jobs.lifetime.orphan_searches import failing_searches

PATHS = ("/healthz", "/readyz", "/metrics")


@sync_and_async_middleware
def any_host_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Accept any Host header for the endpoints of this module: probes name a process by its address.

    ALLOWED_HOSTS protects what is made from the Host header, such as links. These endpoints make nothing from it.
    """

    async def middleware_async(request: HttpRequest) -> HttpResponseBase:
        _replace_host(request)
        response: HttpResponseBase = await get_response(request)
        return response

    def middleware(request: HttpRequest) -> HttpResponseBase:
        _replace_host(request)
        response: HttpResponseBase = get_response(request)
        return response

    return middleware_async if iscoroutinefunction(get_response) else middleware


def _replace_host(request: HttpRequest) -> None:
    if request.path_info in PATHS:
        request.META["HTTP_HOST"] = "localhost"  # always allowed (`portal.configuration.own_hosts`)


def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200: the process is running."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Return as JSON whether the database, Redis and a worker respond: 200 if all do, else 503.

    `provider_lists` says whether each provider's list of clusters can be read. It does not count: a cloud that is down
    must not make a load balancer or supervisor take away the portal, which alone can tell people about it.
    """
    found = {"database": _try(_database), "redis": _try(_redis), "worker": _try(_worker)}
    ready = all(found.values())
    body = {"ready": ready, **found, "provider_lists": _try(_provider_lists)}
    response = JsonResponse(body, status=200 if ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # a 503 is expected here: do not log it
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    """Return Prometheus metrics, to HEADNODE_METRICS_ADDRESSES only."""
    if not cidr.allows(settings.HEADNODE_METRICS_ADDRESSES, source_address.source_address_of(request)):
        return HttpResponse("This address may not read metrics.\n", status=403, content_type="text/plain")
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _try(probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except (OSError, RedisError):
        return False
    except Exception:  # noqa: BLE001 (any exception of a database driver means not ready)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _redis() -> bool:
    cache.set("readyz", "1", timeout=10)
    return bool(cache.get("readyz") == "1")


def _worker() -> bool:
    return worker_seen_lately()


def _provider_lists() -> bool:
    return not failing_searches().exists()
