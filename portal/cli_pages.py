"""/cli/: how to install the command line, and the files to install it from. Open to everyone, before signing in."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.http import require_safe

from portal import cli_wheel

log = logging.getLogger(__name__)
VERSION_HEADER = "Headnode-Version"


class VersionHeader(MiddlewareMixin):
    """Say the portal's version with every answer of the API, so that the command line knows when it is out of date."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add the header."""
        if request.path.startswith("/api/"):
            response.headers[VERSION_HEADER] = cli_wheel.version()
        return response


def _builds(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorate a view that needs the wheel: without one it answers 503, and the log says why."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (cli_wheel.BuildFailed, OSError) as error:
            log.error("The command line could not be built: %s", error)
            text = "The command line could not be built. The portal's log says why.\n"
            return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")

    return guarded


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show how to install the command line from this portal."""
    address = request.build_absolute_uri("/").rstrip("/")
    archive = f"{address}/cli/headnode-latest.tar.gz"
    context = {
        "address": address,
        "version": cli_wheel.version(),
        "wheel": f"{address}/cli/{cli_wheel.wheel_name()}",
        "commands": [("uv", f"uv tool install {archive}"), ("pipx", f"pipx install {archive}")],
        "login": f"headnode login {address}",
    }
    return render(request, "cli.html", context)


@require_safe
def version(request: HttpRequest) -> JsonResponse:
    """Return the version, for programs."""
    return JsonResponse({"version": cli_wheel.version(), "wheel": cli_wheel.wheel_name()})


@_builds
def latest_wheel(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the wheel by its own name, which has the version."""
    cli_wheel.wheel()
    return redirect(f"/cli/{cli_wheel.wheel_name()}")


@_builds
def wheel(request: HttpRequest, name: str) -> HttpResponseBase:
    """Return the wheel. 404 for another version's."""
    if name != cli_wheel.wheel_name():
        raise Http404
    return FileResponse(cli_wheel.wheel().open("rb"), content_type="application/octet-stream", filename=name)


@_builds
def latest_archive(request: HttpRequest) -> HttpResponseBase:
    """Return the wheel as an archive that pip, pipx and uv install under a name without a version."""
    response = HttpResponse(cli_wheel.source_archive(), content_type="application/gzip")
    response.headers["Content-Disposition"] = f'attachment; filename="headnode-{cli_wheel.version()}.tar.gz"'
    return response
