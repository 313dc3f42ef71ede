"""The ASGI application of the web process: pages, API, static files and websockets."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path
from starlette.routing import Mount, Router

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Loads the apps; the modules below import models.
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402

from accounts.users.websocket_authentication import WebsocketAuthentication  # noqa: E402
from jobs.routing import websocket_urlpatterns as jobs_websockets  # noqa: E402
from portal.body_limit import BodyLimit  # noqa: E402
from portal.long_poll import LongPoll  # noqa: E402
from portal.static_files import static_files  # noqa: E402
from portal.unknown_socket import unknown_socket  # noqa: E402
from portal.upload_stream import UploadStream  # noqa: E402
from sshgateway.process.lifespan import lifespan  # noqa: E402
from sshgateway.routing import websocket_urlpatterns as terminal_websockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": Router(
            [
                Mount(settings.STATIC_URL.rstrip("/"), app=static_files()),
                Mount("/", app=BodyLimit(LongPoll(UploadStream(django_application)))),  # type: ignore[arg-type]  # Django has no types of ASGI
            ]
        ),
        "websocket": WebsocketAuthentication(
            URLRouter(
                [
                    *jobs_websockets,
                    *terminal_websockets,
                    re_path("", unknown_socket),  # type: ignore[arg-type]  # Channels' views are applications
                ]
            )
        ),
    }
)
