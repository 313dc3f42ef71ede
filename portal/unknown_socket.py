"""Closes a websocket at an unknown path with a close code, instead of a traceback."""

from accounts.users.websocket_authentication import Receive, Scope, Send, close

NOT_FOUND = 4404


async def unknown_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Close a websocket whose path is unknown."""
    await close(receive, send, NOT_FOUND, "not_found")
