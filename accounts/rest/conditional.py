"""`ETag` and `If-None-Match` for what programs poll: what has not changed is 304 without a body."""

import hashlib
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Conditional(APIView):
    """A view whose GET has an `ETag`: the hash of what it answers, so that it changes whenever the answer does."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Have the ETag added once the answer is rendered, and 304 put in its place if the client has it."""
        final = super().finalize_response(request, response, *args, **kwargs)
        is_read = request.method in ("GET", "HEAD") and final.status_code == status.HTTP_200_OK
        if is_read and isinstance(final, Response):
            final.add_post_render_callback(lambda rendered: _conditional(request, rendered))
        return final


def _conditional(request: Request, rendered: HttpResponse) -> HttpResponse:
    etag = f'"{hashlib.sha256(rendered.content).hexdigest()[:32]}"'
    rendered["ETag"] = etag
    # For the one who asked, and to be asked for again each time.
    patch_cache_control(rendered, private=True, no_cache=True)
    patch_vary_headers(rendered, ("Authorization", "Cookie"))
    found = get_conditional_response(request._request, etag=etag, response=rendered)
    return rendered if found is None else found
