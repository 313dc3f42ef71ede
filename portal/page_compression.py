"""Compress pages: a long list of jobs is one tenth as many bytes. Downloads and streams go out as they are."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompression(GZipMiddleware):
    """Gzip for HTML alone.

    Django hides the length of what is compressed with random bytes, and the CSRF token of a page is another one each
    time, which is what an attack on compressed pages (BREACH) needs to be the same.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress `response` if it is a whole page and the browser takes gzip."""
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)  # type: ignore[no-any-return]
