"""What a failed test leaves to find the cause by: the portal's log, and each page's picture and console.

Pages and portals announce themselves here as tests open them.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.stack import RUNNING

LOG_LINES = 80
CONSOLE_LINES = 60
LARGEST_TAIL = 200_000

_pages: list[Page] = []
_console: dict[Page, list[str]] = {}


def watch(page: Page) -> None:
    """Keep what the page's scripts print, and take its picture if the test fails."""
    lines = _console[page] = []
    _pages.append(page)
    page.on("console", lambda message: lines.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: lines.append(f"uncaught: {error}"))
    page.on(
        "requestfailed",
        lambda request: lines.append(f"failed: {request.method} {request.url} {request.failure}"),
    )


def forget_pages() -> None:
    """Let go of the pages of a test that is over."""
    _pages.clear()
    _console.clear()


def sections(item: pytest.Item, folder: Path) -> Iterator[tuple[str, str]]:
    """Return titled texts for the report of a failed test; pictures go to `folder`."""
    for page in _pages:
        yield f"page {page.url}", _page_report(page, item, folder)
    if item.get_closest_marker("portal"):
        for stack in RUNNING:
            yield f"end of {stack.log}", _tail(stack.log)


def _page_report(page: Page, item: pytest.Item, folder: Path) -> str:
    lines = _console[page][-CONSOLE_LINES:] or ["(nothing in the console)"]
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[^\w-]+", "_", item.nodeid.rpartition("/")[2])[:100]
    picture = folder / f"{name}-{_pages.index(page) + 1}.png"
    try:
        page.screenshot(path=picture, timeout=5000)
    except Exception as error:  # closed, crashed, or the browser is gone
        return "\n".join([f"no picture: {str(error).splitlines()[0]}", *lines])
    return "\n".join([f"picture: {picture}", *lines])


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LARGEST_TAIL))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-LOG_LINES:])
    return "(no log)"
