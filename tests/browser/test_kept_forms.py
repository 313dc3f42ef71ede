"""What is typed into a form stays in the tab when the session ends before it is sent, for its user only."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.models import Job
from tests.browser.conftest import SignIn
from tests.conftest import PASSWORD
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
COMMAND = "mpirun ./solver \\\n  --mesh 'wing & tail'\necho done"
DEFINITION = 'name = "kept"\nhours = 1\n\n[[members]]\nname = "head"\ncore_type = "emerald"\n'


def fill(page: Page) -> None:
    page.goto("/jobs/new/")
    page.get_by_label("Name").fill("Wing")
    page.get_by_label("Command").fill(COMMAND)
    page.get_by_label("Quartz").check()
    page.get_by_label("Cores per node").select_option("2")
    page.get_by_label("Nodes (slots)").fill("3")
    page.get_by_label("Walltime in hours").fill("2.5")


def expect_filled(page: Page) -> None:
    expect(page.get_by_label("Command")).to_have_value(COMMAND)
    expect(page.get_by_label("Name")).to_have_value("Wing")
    expect(page.get_by_label("Quartz")).to_be_checked()
    expect(page.get_by_label("Cores per node")).to_have_value("2")
    expect(page.get_by_label("Nodes (slots)")).to_have_value("3")
    expect(page.get_by_label("Walltime in hours")).to_have_value("2.5")
    expect(page.locator("[data-summary]")).to_contain_text("3 nodes")


def sign_in_again(page: Page, name: str) -> None:
    page.get_by_label("Username or e-mail").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_the_form_is_as_it_was_after_signing_in_again_and_gone_when_it_was_sent(
    sign_in: SignIn, alice: User
) -> None:
    page = sign_in(alice)
    fill(page)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Save and submit").click()
    expect(page.get_by_text("What you typed is kept in this tab")).to_be_visible()
    assert not Job.objects.exists()
    sign_in_again(page, "alice")
    page.wait_for_url("**/jobs/new/")
    expect_filled(page)
    expect(page.get_by_text("This is what you typed before.")).to_be_visible()

    page.get_by_role("button", name="Save", exact=True).click()
    job = wait_for(Job.objects.first, "the job is saved")
    assert job is not None and (job.command, job.slots, job.cores_per_slot) == (COMMAND, 3, 2)
    page.wait_for_url(f"**/jobs/{job.pk}/")
    page.goto("/jobs/new/")
    expect(page.get_by_label("Command")).to_have_value("")
    expect(page.locator("[data-kept]")).to_be_hidden()


def test_a_form_of_an_expired_page_is_kept_too(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    fill(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Save and submit").click()
    expect(page.get_by_role("heading", name="The form has expired")).to_be_visible()
    page.goto("/jobs/new/")
    sign_in_again(page, "alice")
    expect_filled(page)


def test_somebody_else_does_not_see_it(sign_in: SignIn, alice: User, charlie: User) -> None:
    page = sign_in(alice)
    fill(page)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Save and submit").click()
    sign_in_again(page, "charlie")
    page.wait_for_url("**/jobs/new/")
    expect(page.get_by_label("Command")).to_have_value("")
    assert "mpirun" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_signing_out_and_starting_afresh_forget_it(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    fill(page)
    page.goto("/")
    page.goto("/jobs/new/")
    expect_filled(page)
    page.get_by_role("button", name="Start afresh").click()
    expect(page.get_by_label("Command")).to_have_value("")
    page.reload()
    expect(page.get_by_label("Command")).to_have_value("")
    fill(page)
    page.get_by_role("button", name="Menu of alice").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/")
    assert "mpirun" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_a_refused_form_shows_what_the_server_answered(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    fill(page)
    page.get_by_label("Walltime in hours").fill("1000")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("one field needs a change")
    expect(page.locator("[data-kept]")).to_be_hidden()


def test_a_definition_is_kept_too(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice)
    page.goto("/clusters/launch/")
    page.get_by_label("Definition, in TOML").fill(DEFINITION)
    expect(page.get_by_role("button", name="Launch 1 node")).to_be_visible()
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Launch 1 node").click()
    sign_in_again(page, "alice")
    page.wait_for_url("**/clusters/launch/")
    expect(page.get_by_label("Definition, in TOML")).to_have_value(DEFINITION)
    expect(page.get_by_role("button", name="Launch 1 node")).to_be_visible()
