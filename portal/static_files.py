"""Serve static files from the ASGI application, without a second server and without a thread per read.

Starlette's StaticFiles serves from STATIC_ROOT, or from where Django's finders look; it handles ranges, ETags and "not
modified". Django's middleware would have to read files in its one synchronous thread.
"""

from collections.abc import Iterator
from os import PathLike, stat_result
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

MAX_AGE_SECONDS = 60


class PortalStaticFiles(StaticFiles):
    """Files of the front end. Browsers may cache them for a minute and then revalidate."""

    def file_response(self, full_path: str | PathLike[str], stat_result: stat_result, *rest: Any) -> Response:
        """Return the file with our caching and security headers."""
        response = super().file_response(full_path, stat_result, *rest)
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def static_files() -> ASGIApp:
    """Return the application that serves below STATIC_URL; a missing file is a 404."""
    files = PortalStaticFiles(check_dir=False)
    files.all_directories = [settings.STATIC_ROOT] if settings.STATIC_ROOT else list(_finder_directories())
    return ExceptionMiddleware(files)


def _finder_directories() -> Iterator[str]:
    for finder in finders.get_finders():
        for storage in getattr(finder, "storages", {}).values():
            yield storage.location
