"""Static files: those of the front end, compressed, kept as long as they hold, and nothing else of ours."""

import gzip
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx
import pytest
from pytest_django import Settings

from portal.static_files import accepted_encodings, static_files
from portal.static_names import HashedStaticFilesStorage, hashed_name, plain_name
from tests.stack import Stack
from tests.waiting import LIMIT

FOR_GOOD = "public, max-age=31536000, immutable"
PLAIN = b"plain" * 400
ZIPPED = gzip.compress(PLAIN)


def get(stack: Stack, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    request = Request(stack.base_url.rstrip("/") + path, headers=headers)
    try:
        with urlopen(request, timeout=LIMIT) as answer:
            return answer.status, dict(answer.headers)
    except HTTPError as error:
        return error.code, dict(error.headers)


def test_the_front_end_is_served_and_may_be_cached(stack: Stack) -> None:
    status, headers = get(stack, "/static/site.css")
    assert status == 200
    assert headers["content-type"].startswith("text/css")
    assert headers["x-content-type-options"] == "nosniff"
    again, _ = get(stack, "/static/site.css", **{"If-None-Match": headers["etag"]})
    assert again == 304


def test_the_pages_name_files_that_are_kept_for_good(stack: Stack) -> None:
    with urlopen(stack.base_url + "accounts/login/", timeout=60) as answer:
        page = answer.read().decode()
    named = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert any("site." in path and path.endswith(".css") for path in named)
    for path in named:
        status, headers = get(stack, path)
        assert (status, headers["cache-control"]) == (200, FOR_GOOD), path
        assert headers["x-content-type-options"] == "nosniff"


def test_a_first_visit_stays_light(stack: Stack) -> None:
    """Files of the front page and both faces, as they go over the wire, leave a fifth of 120 kB to the page itself."""
    with urlopen(stack.base_url + "accounts/login/", timeout=60) as answer:
        page = answer.read().decode()
    sheets = re.findall(r'href="(/static/[^"#]+\.css)"', page)
    scripts = [
        *re.findall(r'src="(/static/[^"#]+\.js)"', page),
        "/static/job_list.js",
        "/static/first_steps.js",
    ]
    with urlopen(stack.base_url.rstrip("/") + sheets[0], timeout=60) as answer:
        fonts = re.findall(
            r"fonts/ibm-plex-(?:sans-latin-wght|mono-latin-400)[^)\"']+woff2", answer.read().decode()
        )
    assert len(fonts) == 2
    files = [*sheets, *scripts, "/static/icons.svg", *(f"/static/{font}" for font in fonts)]
    sizes = {path: int(get(stack, path, **{"Accept-Encoding": "br"})[1]["content-length"]) for path in files}
    assert sum(sizes.values()) < 110_000, sizes


def test_pages_go_out_compressed_and_downloads_as_they_are(stack: Stack) -> None:
    _, headers = get(stack, "/accounts/login/", **{"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    _, headers = get(stack, "/api/v2/host-authority/", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in headers


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder of static files with one in all three forms."""
    settings.STATIC_ROOT = str(tmp_path)
    (tmp_path / "site.css").write_bytes(PLAIN)
    (tmp_path / "site.css.br").write_bytes(b"brotli")
    (tmp_path / "site.css.gz").write_bytes(ZIPPED)
    return tmp_path


@dataclass(frozen=True)
class Answer:
    """A response as it was on the wire."""

    status: int
    headers: httpx.Headers
    body: bytes


async def fetch(path: str, **headers: str) -> Answer:
    """Get `path` from the application itself; nothing is decoded."""
    transport = httpx.ASGITransport(static_files())
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://portal") as client,
        client.stream("GET", path, headers={"Accept-Encoding": "identity"} | headers) as answer,
    ):
        body = b"".join([piece async for piece in answer.aiter_raw()])
        return Answer(answer.status_code, answer.headers, body)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("gzip", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
@pytest.mark.usefixtures("folder")
async def test_the_best_form_that_the_browser_takes(accepted: str, encoding: str | None) -> None:
    found = await fetch("/site.css", **{"Accept-Encoding": accepted})
    assert found.headers.get("content-encoding") == encoding
    assert found.body == {"br": b"brotli", "gzip": ZIPPED, None: PLAIN}[encoding]
    assert int(found.headers["content-length"]) == len(found.body)
    assert found.headers["content-type"].startswith("text/css")
    assert found.headers["vary"] == "Accept-Encoding"


@pytest.mark.usefixtures("folder")
async def test_each_form_is_revalidated_as_itself() -> None:
    tags = set()
    for accepted in ("br", "gzip", "identity"):
        found = await fetch("/site.css", **{"Accept-Encoding": accepted})
        tags.add(found.headers["etag"])
        again = await fetch(
            "/site.css", **{"Accept-Encoding": accepted, "If-None-Match": found.headers["etag"]}
        )
        assert (again.status, again.body) == (304, b"")
    assert len(tags) == 3


@pytest.mark.usefixtures("folder")
async def test_a_range_is_of_the_file_itself() -> None:
    found = await fetch("/site.css", **{"Accept-Encoding": "br", "Range": "bytes=0-3"})
    assert (found.status, found.body) == (206, b"plai")
    assert "content-encoding" not in found.headers


async def test_what_was_compressed_before_the_file_changed_is_left(folder: Path) -> None:
    later = (folder / "site.css.br").stat().st_mtime + 10
    (folder / "site.css").write_bytes(b"new")
    os.utime(folder / "site.css", (later, later))
    found = await fetch("/site.css", **{"Accept-Encoding": "br, gzip"})
    assert (found.body, found.headers.get("content-encoding")) == (b"new", None)


async def test_a_name_holds_for_good_until_the_file_changes(folder: Path) -> None:
    storage = HashedStaticFilesStorage()
    before = storage.url("site.css")
    assert (await fetch(before.removeprefix("/static"))).headers["cache-control"] == FOR_GOOD
    (folder / "site.css").write_bytes(b"another")
    after = storage.url("site.css")
    assert after != before
    assert (await fetch(after.removeprefix("/static"))).headers["cache-control"] == FOR_GOOD
    # A page that was open during an upgrade still gets its file, and does not keep it under the old name.
    old = await fetch(before.removeprefix("/static"))
    assert (old.status, old.headers["cache-control"]) == (200, "public, max-age=60")


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_not_there_has_its_plain_address() -> None:
    assert HashedStaticFilesStorage().url("gone.js") == "/static/gone.js"


@pytest.mark.parametrize("name", ["a.css", "fonts/b-A2WATXFY.woff2", "a.b.c.js", "none", ".css"])
def test_names_are_taken_apart_as_they_were_put_together(name: str) -> None:
    if "." in name[1:]:
        assert plain_name(hashed_name(name, "0123456789ab")) == (name, "0123456789ab")
    assert plain_name(name) == (name, "")


def test_encodings_that_are_refused_are_not_taken() -> None:
    assert accepted_encodings("br;q=0.0, gzip;q=0.5") == ("gzip",)
    assert accepted_encodings("GZIP , BR") == ("br", "gzip")


@pytest.mark.parametrize(
    "path",
    [
        "/static/nothing.js",
        "/static/../portal/settings.0123456789ab.py",
        "/static/../portal/settings.py",
        "/static/../../portal/settings.py",
        "/static/%2e%2e/%2e%2e/portal/settings.py",
        "/static//etc/passwd",
        "/static/",
        "/static/%00",
    ],
)
def test_nothing_else_is(stack: Stack, path: str) -> None:
    assert get(stack, path)[0] in (400, 404)
