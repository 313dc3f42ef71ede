"""Every page, light and dark, on a phone and on a desktop: no finding of axe, nothing wider than the screen."""

import pytest
from playwright.sync_api import expect

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.events import job_log
from jobs.states import LogLevel, LogSource, Observed
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.jobs.making import cluster_of, saved_job

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_has_a_finding(sign_in: SignIn, alice: User, width: int) -> None:
    services.add_access_rule(SYSTEM, alice, "192.0.2.0/24", "Office")
    services.create_api_token(SYSTEM, alice, "Pipeline")
    services.add_ssh_key(
        SYSTEM,
        alice,
        "",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl laptop",
    )
    cluster, _ = cluster_of(alice, Observed.BOOTING, slots=2)
    # What a node says of itself need not have a space anywhere.
    cluster.nodes.update(reason="x" * 480, address="2001:db8:85a3:1111:2222:8a2e:370:7334", port=32100)
    job_log.append(
        cluster.job, LogSource.PROGRAM, "\x1b[31mred\x1b[0m and plain", level=LogLevel.WARNING, node="head"
    )
    page = sign_in(alice, viewport={"width": width, "height": 800})
    paths = [
        "/",
        "/jobs/new/",
        f"/jobs/{cluster.job_id}/",
        f"/jobs/{saved_job(alice).pk}/",
        "/clusters/",
        "/clusters/launch/?sample=one-head",
        "/settings/job/",
        "/settings/tokens/",
        "/settings/audit/",
        "/accounts/password/change/",
        "/nowhere/",
    ]
    found = []
    for path in paths:
        page.goto(path)
        found += findings(page)
    page.goto("/clusters/launch/")
    page.get_by_label("Definition, in TOML").fill("hours = 1000")
    page.get_by_role("button", name="line 1").wait_for()
    found += findings(page)
    page.goto("/settings/job/")
    page.get_by_role("button", name="Menu of alice").click()
    found += findings(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save key").click()
    page.locator("#public-key-error").filter(has_text="There is no key here").wait_for()
    page.get_by_role("button", name="Remove the rule").click()
    page.get_by_role("dialog").wait_for()
    found += findings(page)
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    found += findings(page)
    assert found == []


def test_the_theme_follows_the_system_until_one_is_chosen(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice, color_scheme="dark")
    page.goto("/")
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Menu of alice").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(html).to_have_attribute("data-bs-theme", "dark")
