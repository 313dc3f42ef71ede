"""What a page of the portal's may connect to: its own origin, websockets included, and nothing else."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.terminal.screen import connected, run

pytestmark = pytest.mark.browser

# Resolves to the policy's complaint about a connection, or to "" once that was opened or has failed otherwise.
CONNECT = """([kind, url]) => new Promise((resolve) => {
  document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), {once: true});
  const ends = () => setTimeout(resolve, 0, "");
  if (kind === "fetch") fetch(url, {mode: "no-cors"}).then(ends, ends);
  else {
    const opened = kind === "websocket" ? new WebSocket(url) : new EventSource(url);
    opened.onopen = opened.onerror = () => { opened.close(); ends(); };
  }
})"""


def complaint(page: Page, kind: str, url: str) -> Any:
    return page.evaluate(CONNECT, [kind, url])


def test_a_terminal_connects_and_a_foreign_websocket_does_not(window: Page) -> None:
    connected(window)
    run(window, "echo still-$((6*7))", "still-42")
    here = urlsplit(window.url)
    # A page of its own: what it is refused is not an error of the terminal's.
    page = window.context.new_page()
    page.goto(window.url)

    assert complaint(page, "websocket", f"ws://{here.netloc}/ws/no-such/") == ""
    assert complaint(page, "fetch", f"http://{here.netloc}/healthz") == ""
    for kind, url in (
        # The same server under another name, another port, other hosts, and every other way out.
        ("websocket", f"ws://localhost:{here.port}/ws/no-such/"),
        ("websocket", f"ws://{here.hostname}:1/"),
        ("websocket", "ws://192.0.2.1/"),
        ("websocket", "wss://evil.example.org/"),
        ("fetch", f"http://localhost:{here.port}/healthz"),
        ("events", f"http://localhost:{here.port}/healthz"),
    ):
        assert complaint(page, kind, url) == "connect-src", url


def test_no_page_names_a_whole_scheme(window: Page) -> None:
    policy = window.request.get(window.url).headers["content-security-policy"]
    sources = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.split()}
    assert sources["connect-src"] == ["'self'"]
