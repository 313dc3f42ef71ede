"""The websocket URL of terminal sessions. The path names the gateway that a session leads to."""

from django.urls import re_path

from sshgateway.consumers import TerminalConsumer

websocket_urlpatterns = [
    re_path(
        r"^ws/(?:gateways/(?P<route>[A-Za-z0-9_-]{1,40})/)?terminal-sessions/(?P<session_id>[A-Za-z0-9_-]{1,64})/$",
        TerminalConsumer.as_asgi(),  # type: ignore[arg-type]  # Channels' views are applications
    )
]
