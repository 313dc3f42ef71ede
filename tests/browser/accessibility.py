"""What is wrong with a page for those who read it differently, in both themes."""

from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

OTHER: dict[str, Literal["light", "dark"]] = {"light": "dark", "dark": "light"}
ALL_RULES = {"resultTypes": ["violations"]}
# The only rule whose answer a theme can change.
CONTRAST = {**ALL_RULES, "runOnly": ["color-contrast"]}


def findings(page: Page, where: str = "") -> list[str]:
    """Return axe's findings: all rules in the theme that is shown, contrast in the other; and what is too wide.

    The page must follow the system's theme; it shows the same one afterwards.
    """
    html = page.locator("html")
    shown = html.get_attribute("data-bs-theme") or ""
    found = _violations(page, ALL_RULES, f"{where} {shown}")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append(f"{where} {page.url}: wider than the screen")
    for theme in (OTHER[shown], OTHER[OTHER[shown]]):
        page.emulate_media(color_scheme=theme)
        expect(html).to_have_attribute("data-bs-theme", theme)
        if theme != shown:
            found += _violations(page, CONTRAST, f"{where} {theme}")
    return found


def _violations(page: Page, options: dict[str, Any], where: str) -> list[str]:
    violations = Axe().run(page, options=options).response["violations"]
    return [f"{where} {page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations]
