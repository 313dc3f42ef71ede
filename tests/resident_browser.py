"""Chromium, started once in a test process; Playwright's event loop is in force only while a test uses it.

Playwright's synchronous API keeps an event loop in the thread that started it and marks it as running. Other tests in
that thread would then be refused the database ("async context") and a loop of their own. The mark is therefore set for
tests with a browser, and taken away after each.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator

from playwright.sync_api import Browser, Playwright, sync_playwright

# Chromium without the windows of its own: a page costs a quarter of the processor time. The same engine draws it.
EXECUTABLE = os.environ.get("HEADNODE_TEST_CHROMIUM", "/usr/bin/chromium-headless-shell")
# A name that is no secure context, as a portal on plain http in a lab has: navigator.clipboard is missing there.
INSECURE_NAME = "portal.lan"
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {INSECURE_NAME} 127.0.0.1",
]


class ResidentBrowser:
    """Lends one Chromium to one test after the other; starts another when it died."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def lent(self) -> Iterator[Browser]:
        """Return the browser for the time of the block; outside it, this thread has no running event loop."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self._started()
        finally:
            self._loop = asyncio._get_running_loop()
            asyncio._set_running_loop(None)

    def stop(self) -> None:
        """End Chromium and Playwright, whatever state they are in."""
        asyncio._set_running_loop(self._loop)
        try:
            with contextlib.suppress(Exception):  # it may have died, which a test has said by then
                if self._browser is not None:
                    self._browser.close()
            with contextlib.suppress(Exception):
                if self._playwright is not None:
                    self._playwright.stop()
        finally:
            self._playwright = self._browser = self._loop = None
            asyncio._set_running_loop(None)

    def _started(self) -> Browser:
        if self._browser is not None and not self._browser.is_connected():
            self.stop()
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        return self._browser
