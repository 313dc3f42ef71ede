"""Websockets of terminal sessions."""

from django.urls import re_path

from sshgateway.consumers import TerminalConsumer

websocket_urlpatterns = [
    re_path(r"^ws/terminal-sessions/(?P<session_id>[A-Za-z0-9_-]{1,64})/$", TerminalConsumer.as_asgi())  # type: ignore[arg-type]
]
