"""Probes reach the health endpoints under any name, over plain HTTP; everything else only under an allowed one."""

from typing import Any

import pytest
from django.test import AsyncClient, Client

from portal.configuration.own_hosts import own_hosts
from portal.configuration.reader import read_configuration

PROBES = ["/healthz", "/readyz", "/metrics"]
STRANGE = [
    "10.1.2.3:8000",
    "web-7f9c",
    "headnode.internal:8000",
    "[fd00::7]:8000",
    "not a host",
    "a,b",
    "x" * 300,
]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", STRANGE)
def test_a_probe_may_use_any_host(client: Client, settings: Any, path: str, host: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": host}).status_code in (200, 503)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PROBES)
async def test_so_it_is_under_asgi(async_client: AsyncClient, path: str) -> None:
    assert (await async_client.get(path, headers={"host": "10.1.2.3"})).status_code in (200, 503)
    assert (await async_client.get("/accounts/login/", headers={"host": "10.1.2.3"})).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/healthz/", "/metrics/x", "/api/v2/", "/context/v1/register/"]
)
@pytest.mark.parametrize("host", STRANGE)
def test_everything_else_needs_an_allowed_host(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 400


@pytest.mark.django_db
def test_metrics_are_for_their_networks_whatever_the_host(client: Client, settings: Any) -> None:
    settings.HEADNODE_METRICS_ADDRESSES = ["192.0.2.0/24"]
    assert client.get("/metrics", headers={"host": "localhost"}).status_code == 403


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, set()),
        ({"HEADNODE_HOST": "0.0.0.0"}, set()),
        ({"HEADNODE_HOST": "::"}, set()),
        ({"HEADNODE_HOST": "192.0.2.1"}, {"192.0.2.1"}),
        ({"HEADNODE_HOST": "fd00::7"}, {"[fd00::7]"}),
        ({"HEADNODE_BROKER_URL": "http://Web:8000/context/v1/"}, {"web"}),
        ({"HEADNODE_BROKER_URL": "http://[fd00::8]:8000/context/v1/"}, {"[fd00::8]"}),
    ],
)
def test_the_portals_own_hosts(environ: dict[str, str], expected: set[str]) -> None:
    configuration = read_configuration({"HEADNODE_DEMO": "1"} | environ)
    assert configuration.problems == ()
    assert own_hosts(configuration.values) == {"127.0.0.1", "localhost", "[::1]"} | expected
