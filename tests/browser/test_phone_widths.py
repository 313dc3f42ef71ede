"""On a phone nothing is cut off, too wide or printed over something else, however long its name is."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.models import Job, Node
from jobs.states import Observed
from tests.accounts.keys.key_corpus import blobs
from tests.browser.conftest import SignIn
from tests.factories import StoredFileFactory
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.browser
LONG = "x" * 100
OVERLAPS = """() => {
  const found = [];
  const shown = (e) => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 ? r : null; };
  for (const row of document.querySelectorAll(".rows > li, .steps-list > li, .job-title, .notice")) {
    const parts = [...row.querySelectorAll(
      ".row-title > *, .row-facts > *, :scope > form, :scope > .buttons, code, h1, .job-id")];
    const texts = [...row.querySelectorAll(".row-title")].map((title) => {
      const range = document.createRange();
      range.selectNodeContents(title);
      return range.getBoundingClientRect();
    });
    for (const r of texts) if (r.right > row.getBoundingClientRect().right + 1) found.push(`wide: ${row.innerText}`);
    for (const [at, one] of parts.entries()) for (const other of parts.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const a = shown(one), b = shown(other);
      if (a && b && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        found.push(`${one.innerText} / ${other.innerText}`);
    }
  }
  return found;
}"""
CUT = """() => [...document.querySelectorAll(".top-nav a")].filter((link) => {
  const r = link.getBoundingClientRect(), n = link.closest("nav").getBoundingClientRect();
  return r.right > innerWidth || r.left < 0 || r.right > n.right + 1 || r.bottom > n.bottom + 1;
}).map((link) => link.innerText.trim())"""


@pytest.fixture
def long_names(admin: User, portal: str) -> Job:
    """An administrator with the longest key types, names and notes, and a job with the longest file name."""
    for kind, blob in (
        ("sk-ecdsa-sha2-nistp256@openssh.com", blobs.sk_ecdsa()),
        ("sk-ssh-ed25519@openssh.com", blobs.sk_ed25519()),
    ):
        services.add_ssh_key(SYSTEM, admin, LONG, blobs.line(kind, blob))
    services.add_access_rule(SYSTEM, admin, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "n" * 200)
    services.add_access_rule(SYSTEM, admin, "127.0.0.1", "")
    services.create_api_token(SYSTEM, admin, LONG)
    cluster, nodes = cluster_of(admin, Observed.EXECUTING, slots=2, name="y" * 200)
    for number, node in enumerate(nodes):
        Node.objects.filter(pk=node.pk).update(
            state=Node.State.RUNNING,
            address=f"127.20.0.{5 + number}",
            port=32100,
            registered_at=timezone.now(),
        )
    StoredFileFactory.create(owner=admin, job=cluster.job, name="z" * 255, relative_path="z" * 255)
    StoredFileFactory.create(owner=admin, job=cluster.job, name="a.txt", relative_path="d/" * 120 + "a.txt")
    return cluster.job


def problems(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [
        *([f"{over} px too wide"] if over > 0 else []),
        *page.evaluate(OVERLAPS),
        *(f"cut off: {name}" for name in page.evaluate(CUT)),
    ]


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_nothing_is_cut_off_too_wide_or_printed_over(
    sign_in: SignIn, admin: User, long_names: Job, width: int
) -> None:
    page = sign_in(admin, viewport={"width": width, "height": 844})
    found = {}
    for path in (
        "/",
        "/settings/job/",
        "/settings/audit/",
        "/settings/tokens/",
        f"/jobs/{long_names.pk}/",
        "/jobs/new/",
        "/clusters/",
    ):
        page.goto(path)
        for summary in page.locator(".row-more summary").all()[:6]:
            summary.click()
        if now := problems(page):
            found[path] = now
    assert found == {}


def test_every_entry_of_the_navigation_can_be_pressed_on_a_phone(sign_in: SignIn, admin: User) -> None:
    page = sign_in(admin, viewport={"width": 360, "height": 700})
    page.goto("/")
    page.get_by_role("link", name="Machines", exact=True).click()
    page.wait_for_url("**/machines/")
    page.get_by_role("button", name="Menu of admin").click()
    page.get_by_role("link", name="API tokens").click()
    page.wait_for_url("**/settings/tokens/")
