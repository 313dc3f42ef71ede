"""The ASGI application of a gateway process: websockets of terminals, and a health check."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

# Loads the apps; the modules below import models.
get_asgi_application()

from accounts.users.websocket_authentication import WebsocketAuthentication  # noqa: E402
from portal.unknown_socket import unknown_socket  # noqa: E402
from sshgateway.process.lifespan import lifespan  # noqa: E402
from sshgateway.routing import websocket_urlpatterns  # noqa: E402


async def healthz(request: Request) -> PlainTextResponse:
    """Return 200 while the process runs."""
    return PlainTextResponse("ok\n")


application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": Router([Route("/healthz", healthz)]),
        "websocket": WebsocketAuthentication(
            URLRouter(
                [
                    *websocket_urlpatterns,
                    re_path("", unknown_socket),  # type: ignore[arg-type]  # Channels' views are applications
                ]
            )
        ),
    }
)
