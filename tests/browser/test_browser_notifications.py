"""Notifications of the browser: where the person allowed them, once each, and not on top of a page that is in sight."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify
from tests.browser.conftest import Aside, SignIn

pytestmark = pytest.mark.browser

# In place of the browser's own, which shows nothing without a screen: it keeps what it was to show.
STAND_IN = """
window.shown = [];
window.Notification = class extends EventTarget {
  static permission = localStorage.getItem("test-permission") ?? "default";
  static async requestPermission() {
    localStorage.setItem("test-permission", window.answer ?? "granted");
    return (Notification.permission = window.answer ?? "granted");
  }
  constructor(title, options) { super(); window.shown.push([title, options.body]); }
  close() {}
};
"""
IN_BACKGROUND = (
    "Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true })"
)


def ask(page: Page) -> None:
    """Have the page look for what is new, as it does every half minute."""
    with page.expect_response("**/notifications/unread/"):
        page.evaluate("document.dispatchEvent(new Event('headnode:notified'))")


def shown(page: Page) -> Any:
    return page.evaluate("new Promise((done) => setTimeout(() => done(window.shown)))")


def test_they_are_shown_once_where_the_person_allowed_it(sign_in: SignIn, alice: User, aside: Aside) -> None:
    aside(notify, alice, NotificationKind.JOB_ENDED, "An old one.", title="Old")
    page = sign_in(alice)
    page.add_init_script(STAND_IN)
    page.goto("/settings/notifications/")
    switch = page.locator("[data-browser-notifications]")
    expect(switch).to_contain_text("This browser can show new notifications")
    with page.expect_response("**/notifications/unread/"):
        switch.get_by_role("button", name="Turn on").click()
    expect(switch).to_contain_text("This browser shows new notifications")

    aside(notify, alice, NotificationKind.JOB_ENDED, "It was in sight.", title="In sight")
    ask(page)
    assert shown(page) == []
    page.evaluate(IN_BACKGROUND)
    aside(notify, alice, NotificationKind.DEADLINE_NEAR, "This cluster ends in 15 minutes.", title="Soon")
    ask(page)
    ask(page)
    assert shown(page) == [["Soon", "This cluster ends in 15 minutes."]]

    switch.get_by_role("button", name="Turn off").click()
    aside(notify, alice, NotificationKind.JOB_ENDED, "Nobody wants it.", title="Off")
    ask(page)
    assert len(shown(page)) == 1


def test_a_browser_that_refuses_says_so(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    page.add_init_script(STAND_IN)
    page.goto("/settings/notifications/")
    page.evaluate("window.answer = 'denied'")
    switch = page.locator("[data-browser-notifications]")
    switch.get_by_role("button", name="Turn on").click()
    expect(switch).to_contain_text("This browser does not let this site show notifications")
    expect(switch.get_by_role("button")).to_have_count(0)
