"""What pages weigh and how soon they are there over a slow line, in Chromium.

Starts the embedded portal, signs in and opens each page with an empty cache over 400 kbit/s with 400 ms of delay: bytes
over the wire, requests, when the largest piece of text was painted (LCP), and how much the layout moved (CLS, at most
0.02 wanted). Then once more with the cache of the first visit.

    .venv/bin/python -m benchmarks.page_weight
"""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.acceptance.people import with_token
from tests.resident_browser import EXECUTABLE
from tests.stack import Stack, running

LINE = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 400_000 / 8,
    "uploadThroughput": 400_000 / 8,
}
OBSERVE = """
  window.measured = {lcp: 0, cls: 0};
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) measured.lcp = entry.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) measured.cls += entry.value;
  }).observe({type: "layout-shift", buffered: true});
"""


def measure(page: Page, url: str) -> dict[str, float]:
    """Open `url` and return kB, requests, LCP in seconds and CLS."""
    session = page.context.new_cdp_session(page)
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    page.goto(url, wait_until="networkidle", timeout=120_000)
    found: dict[str, Any] = page.evaluate("measured")
    session.detach()
    return {
        "kB": sum(sizes) / 1000,
        "requests": len([size for size in sizes if size]),
        "LCP, s": found["lcp"] / 1000,
        "CLS": found["cls"],
    }


def visits(browser: Browser, stack: Stack, path: str) -> list[dict[str, float]]:
    """A first visit and a second one, signed in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en")
    page = context.new_page()
    page.goto(stack.base_url + "accounts/login/")
    if path != "accounts/login/":
        page.fill("[name=login]", stack.admin_name)
        page.fill("[name=password]", stack.admin_password)
        page.click("button[type=submit]")
        page.wait_for_load_state("networkidle")
    session = context.new_cdp_session(page)
    session.send("Network.clearBrowserCache")
    page.add_init_script(OBSERVE)
    found = [measure(page, stack.base_url + path) for _ in range(2)]
    context.close()
    return found


def main() -> None:
    """Print the table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "var") as stack,
        sync_playwright() as play,
    ):
        job = _job(stack)
        browser = play.chromium.launch(executable_path=EXECUTABLE)
        print("| page | first visit: kB | requests | LCP, s | CLS | second visit: kB | LCP, s |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, path in {
            "sign in": "accounts/login/",
            "front page": "",
            "job": f"jobs/{job}/",
            "terminal": f"jobs/{job}/terminal/head/",
            "usage": "usage/",
        }.items():
            first, second = visits(browser, stack, path)
            print(
                f"| {name} | {first['kB']:.0f} | {first['requests']} | {first['LCP, s']:.1f} | {first['CLS']:.3f} "
                f"| {second['kB']:.0f} | {second['LCP, s']:.1f} |"
            )
        browser.close()


def _job(stack: Stack) -> str:
    person = with_token(stack)
    job = person.submit("sleep 600")
    person.wait_for_message(job, "Instance ready")
    return job


if __name__ == "__main__":
    main()
