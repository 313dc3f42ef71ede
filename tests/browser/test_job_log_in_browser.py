"""The Job Log in a browser: live, without holes, safe, and fast when it is long."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, WebSocketRoute, expect

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.access import quoting
from jobs.control import orders
from jobs.events import history, job_log
from jobs.models import Cluster, Job, JobEvent, Node
from jobs.states import JobState, Observed
from tests.browser.conftest import Aside, SignIn
from tests.factories import public_key
from tests.jobs.cluster_rows import stamps_until
from tests.jobs.making import HOST_KEYS, submitted_job
from tests.resident_browser import INSECURE_NAME
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.browser
LEFT_BELOW = """() => {
    const view = document.querySelector("[data-log-scroll]");
    const last = [...document.querySelectorAll(".log-line")].at(-1);
    return last.getBoundingClientRect().bottom - view.getBoundingClientRect().bottom;
}"""
SEQUENCES = "[...document.querySelectorAll('.log-line')].map(line => Number(line.dataset.seq))"

# Whether each chunk of lines is laid out; those far from the view must not be.
RENDERED = """() => [...document.querySelectorAll(".log-chunk")].map(
    (chunk) => chunk.firstElementChild.checkVisibility({ contentVisibilityAuto: true }))"""


class Teller:
    """Tells a job's story from another thread."""

    def __init__(self, job: Job, aside: Aside) -> None:
        self.job, self.aside = job, aside

    def program(self, *messages: str, **fields: str) -> None:
        said = [JobEvent(source="program", node="head", message=text, **fields) for text in messages]
        self.aside(job_log.append_all, self.job, said)

    def portal(self, message: str) -> None:
        self.aside(job_log.append, self.job, "portal", message)

    @property
    def sequences(self) -> list[int]:
        """What the log must hold: every sequence, once."""
        self.job.refresh_from_db()
        return list(range(1, self.job.last_sequence + 1))


@pytest.fixture
def job(alice: User, aside: Aside) -> Job:
    submitted: Job = aside(submitted_job, alice)
    return submitted


@pytest.fixture
def tell(job: Job, aside: Aside) -> Teller:
    return Teller(job, aside)


@pytest.fixture
def page(sign_in: SignIn, alice: User, job: Job) -> Page:
    page = sign_in(alice)
    page.goto(f"/jobs/{job.pk}/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    return page


def test_new_lines_appear_in_order_without_holes(page: Page, tell: Teller) -> None:
    for number in range(120):
        tell.program(f"line {number}")
    expect(page.locator(".log-line .said").last).to_have_text("line 119")
    assert page.evaluate(SEQUENCES) == tell.sequences


def test_after_a_lost_connection_nothing_is_missing_and_nothing_twice(
    sign_in: SignIn, alice: User, tell: Teller
) -> None:
    page = sign_in(alice)
    lines: list[WebSocketRoute] = []

    def through(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    page.route_web_socket(re.compile("/ws/"), through)
    page.goto(f"/jobs/{tell.job.pk}/")
    for cut in range(3):
        tell.program(*[f"{cut}: line {number}" for number in range(20)])
        expect(page.locator(".log-line .said").last).to_have_text(f"{cut}: line 19")
        lines[-1].close()
        tell.program(f"{cut}: while away")
        expect(page.locator(".log-line .said").last).to_have_text(f"{cut}: while away")
    assert len(lines) == 4
    assert page.evaluate(SEQUENCES) == tell.sequences


def test_colours_are_shown_and_markup_stays_text(page: Page, tell: Teller) -> None:
    tell.program("\x1b[31mred\x1b[0m <img src=x onerror=alert(1)> \x1b]0;title\x07end", "50%\r75%\r100%")
    line = page.locator(".log-line .said").filter(has_text="red")
    expect(line).to_have_text("red <img src=x onerror=alert(1)> end")
    expect(line.locator(".ansi-1")).to_have_text("red")
    expect(line.locator("img")).to_have_count(0)
    expect(page.locator(".log-line .said").last).to_have_text("100%")


def bring_up(job: Job, port: int) -> None:
    """Give the owner a key, and the job a head node that can be logged in to."""
    services.add_ssh_key(SYSTEM, job.owner, "Laptop", public_key())
    nodes = orders.make_nodes(job.cluster)
    now = timezone.now()
    Node.objects.filter(pk=nodes[0].pk).update(
        state=Node.State.RUNNING,
        address="127.20.0.5",
        port=port,
        host_keys=[HOST_KEYS[0]],
        registered_at=now,
        verified_at=now,
    )
    stamps = stamps_until(Observed.EXECUTING, now)
    Cluster.objects.filter(pk=job.cluster.pk).update(observed_state=Observed.EXECUTING, **stamps)


def test_the_connection_line_has_its_own_copy_button(
    sign_in: SignIn, alice: User, tell: Teller, aside: Aside
) -> None:
    page = sign_in(alice, permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script("localStorage.setItem('headnode:key-file', '')")
    page.goto(f"/jobs/{tell.job.pk}/")
    tell.portal(quoting.connection_message(tell.job.username, "127.20.0.5", 32100, tell.job.work_directory))
    line = page.locator(".log-line.is-connection")
    button = line.get_by_role("button", name="Copy SSH command")
    expect(button).to_be_disabled()
    expect(line).to_contain_text("The cluster is not ready yet.")
    aside(bring_up, tell.job, 32100)
    tell.portal("The cluster is ready.")
    button.click()
    expect(line.get_by_role("button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"ssh -p 32100 {tell.job.username}@127.20.0.5"


def test_copying_works_where_there_is_no_clipboard_api(
    sign_in: SignIn, alice: User, tell: Teller, portal: str, aside: Aside
) -> None:
    aside(bring_up, tell.job, 22)
    page = sign_in(alice, base=portal.replace("127.0.0.1", INSECURE_NAME))
    page.add_init_script("localStorage.setItem('headnode:key-file', '')")
    page.goto(f"/jobs/{tell.job.pk}/")
    assert page.evaluate("navigator.clipboard === undefined")
    tell.portal(quoting.connection_message(tell.job.username, "127.20.0.5", 22, tell.job.work_directory))
    page.reload()
    page.get_by_role("button", name="Copy SSH command").last.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    box = page.locator("[data-log-filter]")
    box.focus()
    page.keyboard.press("Control+V")
    expect(box).to_have_value(f"ssh {tell.job.username}@127.20.0.5")


def test_following_lets_go_when_one_scrolls_up_and_comes_back(page: Page, tell: Teller) -> None:
    tell.program(*[f"line {number}" for number in range(200)])
    expect(page.locator(".log-line .said").last).to_have_text("line 199")
    wait_for(lambda: page.evaluate(LEFT_BELOW) < 2, "the newest line is in view")
    scroll = page.locator("[data-log-scroll]")
    scroll.hover()
    page.mouse.wheel(0, -600)
    expect(page.locator("[data-log-follow]")).not_to_be_checked()
    place = scroll.evaluate("element => element.scrollTop")
    tell.program("news 1", "news 2")
    newer = page.get_by_role("button", name="2 new lines")
    expect(newer).to_be_visible()
    assert scroll.evaluate("element => element.scrollTop") == place
    newer.click()
    wait_for(lambda: page.evaluate(LEFT_BELOW) < 2, "the newest line is in view again")
    expect(page.locator("[data-log-follow]")).to_be_checked()


def test_filter_and_clock(page: Page, tell: Teller) -> None:
    tell.program("residual 0.1", "all well")
    tell.program("mesh is skewed", level="warning")
    page.get_by_label("Show only lines with this text").fill("RESIDUAL")
    expect(page.locator(".log-line:visible .said")).to_have_text(["residual 0.1"])
    page.get_by_label("Show only lines with this text").fill("")
    page.get_by_label("Show only lines from").select_option("!")
    expect(page.locator(".log-line:visible .said").last).to_have_text("mesh is skewed")
    page.get_by_text("UTC", exact=True).click()
    expect(page.locator(".log-line:visible time").last).to_have_text(re.compile(r"^\d\d:\d\d:\d\dZ$"))


def test_earlier_lines_are_fetched_when_asked_for(sign_in: SignIn, alice: User, tell: Teller) -> None:
    tell.program(*[f"line {number}" for number in range(600)])
    page = sign_in(alice)
    page.goto(f"/jobs/{tell.job.pk}/")
    page.get_by_role("button", name="Show earlier lines").click()
    expect(page.get_by_role("button", name="Show earlier lines")).to_be_hidden()
    assert page.evaluate(SEQUENCES) == tell.sequences


def test_of_ten_thousand_lines_only_those_near_the_view_are_laid_out(page: Page, tell: Teller) -> None:
    for start in range(0, 10_000, 1000):
        tell.program(*[f"step {number} residual 1e-{number % 9}" for number in range(start, start + 1000)])
    page.set_default_timeout(LIMIT * 1000)
    expect(page.locator(".log-line .said").last).to_have_text("step 9999 residual 1e-0", timeout=40_000)
    assert len(page.evaluate(RENDERED)) > 100
    page.locator("[data-log-scroll]").scroll_into_view_if_needed()
    # What is near the view is laid out with a frame, and that frame may be yet to come.
    wait_for(lambda: 0 < sum(page.evaluate(RENDERED)) < 10, "only what is near the view is laid out")
    page.get_by_label("Show only lines with this text").fill("step 1234 ")
    expect(page.locator(".log-line:not([hidden]) .said")).to_have_text(["step 1234 residual 1e-1"])


def test_the_rest_of_the_page_follows_the_state(page: Page, tell: Teller) -> None:
    expect(page.locator("#job-badges")).to_contain_text("Pending")
    tell.aside(history.record_job_status, tell.job, JobState.QUEUED)
    expect(page.locator("#job-badges")).to_contain_text("Queued")
    expect(page.locator("#job-stages .is-current")).to_contain_text("Queued")
