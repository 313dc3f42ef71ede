"""Content negotiation for an API that returns JSON only: the Accept header is ignored."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JSONOnlyNegotiation(DefaultContentNegotiation):
    """Always render JSON. Some programs send `Accept: text/plain`; a 406 would not help them."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, Any]:
        """Return the first renderer."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
