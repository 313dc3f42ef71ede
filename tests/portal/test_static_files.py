"""Static files: those of the front end, and nothing else of ours."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.stack import Stack


def get(stack: Stack, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    request = Request(stack.base_url.rstrip("/") + path, headers=headers)
    try:
        with urlopen(request, timeout=10) as answer:
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


@pytest.mark.parametrize(
    "path",
    [
        "/static/nothing.js",
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
