"""Names of static files that change with their content, so that browsers may keep them for good.

`{% static "site.css" %}` becomes `/static/site.1f0c2a9b7d3e.css`. The number is of the file as it lies there: nothing
is copied or collected, also where a developer's build replaces files under a running portal.
"""

import hashlib
import os
import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage

_HASHED = re.compile(r"(?P<stem>.+)\.(?P<digest>[0-9a-f]{12})(?P<kind>\.[A-Za-z0-9]+)")


def hashed_name(name: str, digest: str) -> str:
    """Return `name` with `digest` before its last ending: `site.css` is `site.1f0c2a9b7d3e.css`."""
    stem, kind = os.path.splitext(name)
    return f"{stem}.{digest}{kind}"


def plain_name(name: str) -> tuple[str, str]:
    """Return the file's own name and the digest that `name` has in it, "" without one."""
    if found := _HASHED.fullmatch(name):
        return found["stem"] + found["kind"], found["digest"]
    return name, ""


class Digests:
    """The digest of each file, read once and again when the file has changed."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, tuple[int, int, str]] = {}

    def of(self, path: str) -> str:
        """Return twelve hexadecimal digits. Raises OSError when the file cannot be read."""
        stat = os.stat(path)
        known = self._known.get(path)
        if known is None or known[:2] != (stat.st_mtime_ns, stat.st_size):
            digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
            self._known[path] = known = (stat.st_mtime_ns, stat.st_size, digest)
        return known[2]


DIGESTS = Digests()


class HashedStaticFilesStorage(StaticFilesStorage):
    """Addresses of static files, with the digest of what is in them."""

    def url(self, name: str | None) -> str:
        """Return the address below STATIC_URL. A file that is not there has its plain address, which is a 404."""
        path = _path(name) if name else None
        if name and path:
            try:
                return super().url(hashed_name(name, DIGESTS.of(path)))
            except OSError:
                pass  # it went between the two looks
        return super().url(name)


_paths: dict[tuple[str | None, str], str] = {}


def _path(name: str) -> str | None:
    """Find a file as the server will; a page names dozens of icons of one file, so what was found is kept."""
    known = _paths.get((settings.STATIC_ROOT, name))
    if known and os.path.exists(known):
        return known
    if settings.STATIC_ROOT:
        found = os.path.join(settings.STATIC_ROOT, name)
    else:
        found = finders.find(name) or ""
    if not os.path.isfile(found):
        return None
    _paths[settings.STATIC_ROOT, name] = found
    return found
