"""Whether the portal is well: for supervisors, load balancers and Prometheus."""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from accounts import cidr, source_address
from jobs.control.heartbeat import worker_seen_lately


def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Database, Redis and a worker answer: 200 when all do, 503 otherwise, JSON with each."""
    found = {"database": _try(_database), "redis": _try(_redis), "worker": _try(_worker)}
    ready = all(found.values())
    response = JsonResponse({"ready": ready, **found}, status=200 if ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # "not yet" is an answer here, not an error
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics, for the addresses of HEADNODE_METRICS_ADDRESSES only."""
    if not cidr.allows(settings.HEADNODE_METRICS_ADDRESSES, source_address.source_address_of(request)):
        return HttpResponse("This address may not read metrics.\n", status=403, content_type="text/plain")
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _try(probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except (OSError, RedisError):
        return False
    except Exception:  # noqa: BLE001 (whatever a database driver raises means: not ready)
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
