"""Which form an answer has: the API has one form only, so what a program accepts is not asked."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneForm(DefaultContentNegotiation):
    """Programs say `Accept: text/plain` and mean it kindly: a 406 would help nobody."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, Any]:
        """The first renderer, always."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
