"""Static files in the ASGI application itself: without a second server and without a thread for each read.

Starlette's StaticFiles answers from where Django's finders look, or from STATIC_ROOT once it was collected; ranges,
ETags and "not modified" are its own. Django's middleware would have to read files in its one synchronous thread.
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
    """Files of the front end. They may be cached for a minute and then asked after."""

    def file_response(self, full_path: str | PathLike[str], stat_result: stat_result, *rest: Any) -> Response:
        """The file with the headers every answer of ours has."""
        response = super().file_response(full_path, stat_result, *rest)
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def static_files() -> ASGIApp:
    """The application that answers below STATIC_URL; what is not there is a 404."""
    files = PortalStaticFiles(check_dir=False)
    files.all_directories = [settings.STATIC_ROOT] if settings.STATIC_ROOT else list(_found())
    return ExceptionMiddleware(files)


def _found() -> Iterator[str]:
    for finder in finders.get_finders():
        for storage in getattr(finder, "storages", {}).values():
            yield storage.location
