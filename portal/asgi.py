"""Web and websockets in one ASGI application."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Fills the app registry; what follows imports models.
django_application = get_asgi_application()

from accounts.websocket import WebsocketAuthentication  # noqa: E402
from jobs.routing import websocket_urlpatterns as jobs_websockets  # noqa: E402
from portal.unknown_socket import unknown_socket  # noqa: E402
from sshgateway.routing import websocket_urlpatterns as terminal_websockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": WebsocketAuthentication(
            URLRouter([*jobs_websockets, *terminal_websockets, re_path("", unknown_socket)])
        ),
    }
)
