"""Serve static files from the ASGI application, without a second server and without a thread per read.

Starlette's StaticFiles serves from STATIC_ROOT, or from where Django's finders look; it handles ranges, ETags and "not
modified". Django's middleware would have to read files in its one synchronous thread. Files that the build compressed
(`static/compress.mjs`) go out compressed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import stat_result

from anyio.to_thread import run_sync
from django.conf import settings
from django.contrib.staticfiles import finders
from starlette.datastructures import Headers
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from portal.static_names import DIGESTS, plain_name

MAX_AGE_SECONDS = 60
FOR_GOOD = "public, max-age=31536000, immutable"
BRIEFLY = f"public, max-age={MAX_AGE_SECONDS}"
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # best first
# Fonts have a digest of their own, because style sheets name them: `fonts/plex-400-A2WATXFY.woff2`.
_BUILT_WITH_DIGEST = re.compile(r"fonts/.+-[A-Z0-9]{8}\.woff2")


class PortalStaticFiles(StaticFiles):
    """Files of the front end: under a name with their digest for good, under their plain name for a minute."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file in the best form that the client takes. Raises HTTPException when there is none."""
        name, digest = plain_name(path)
        response = await super().get_response(name, scope)
        headers = Headers(scope=scope)
        # A range is of the bytes of the file itself.
        wanted = () if "range" in headers else accepted_encodings(headers.get("accept-encoding", ""))
        found = await run_sync(self._look, name, digest, wanted)
        if found.compressed and found.encoding:
            compressed = self.file_response(*found.compressed, scope)
            compressed.headers["Content-Encoding"] = found.encoding
            if "content-type" in response.headers:
                compressed.headers["Content-Type"] = response.headers["content-type"]
            response = compressed
        if found.has_compressed:
            response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOR_GOOD if found.for_good else BRIEFLY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _look(self, name: str, digest: str, wanted: tuple[str, ...]) -> "Found":
        path, plain = self.lookup_path(name)
        if plain is None:
            return Found()  # it went between the two looks
        for_good = _BUILT_WITH_DIGEST.fullmatch(name) is not None or (
            digest != "" and digest == DIGESTS.of(path)
        )
        forms = {}
        for encoding, ending in ENCODINGS.items():
            compressed, stat = self.lookup_path(name + ending)
            # A developer's build writes files anew and leaves what was compressed before.
            if stat and stat.st_mtime_ns >= plain.st_mtime_ns:
                forms[encoding] = (compressed, stat)
        best = next((encoding for encoding in wanted if encoding in forms), "")
        return Found(for_good, bool(forms), best, forms.get(best))


@dataclass(frozen=True)
class Found:
    """What lies beside a file, and how long its address holds."""

    for_good: bool = False
    has_compressed: bool = False
    encoding: str = ""
    compressed: tuple[str, stat_result] | None = None


def accepted_encodings(header: str) -> tuple[str, ...]:
    """Return those of ours that an Accept-Encoding header takes, best first (RFC 9110, 12.5.3)."""
    taken = set()
    for part in header.lower().split(","):
        coding, _, quality = part.partition(";")
        if not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality):
            taken.add(coding.strip())
    return tuple(encoding for encoding in ENCODINGS if encoding in taken)


def static_files() -> ASGIApp:
    """Return the application that serves below STATIC_URL; a missing file is a 404."""
    files = PortalStaticFiles(check_dir=False)
    files.all_directories = [settings.STATIC_ROOT] if settings.STATIC_ROOT else list(_finder_directories())
    return ExceptionMiddleware(files)


def _finder_directories() -> Iterator[str]:
    for finder in finders.get_finders():
        for storage in getattr(finder, "storages", {}).values():
            yield storage.location
