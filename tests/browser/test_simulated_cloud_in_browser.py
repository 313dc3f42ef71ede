"""The simulated cloud's page in a real Chromium: an administrator breaks something and puts it right again."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.providers import registry
from jobs.providers.simulated import SimulatedProvider
from jobs.states import Observed
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import picture
from tests.jobs.making import cluster_of
from tests.jobs.simulator.conftest import keys, simulators
from tests.jobs.simulator.simulator_process import Simulator

__all__ = ["keys", "simulators"]
pytestmark = pytest.mark.browser
PAGE = "/administration/simulated-cloud/"


@pytest.fixture(scope="module")
def simulator(simulators: Callable[..., Simulator]) -> Simulator:
    """The cloud behind the page."""
    return simulators(HEADNODE_SIMULATOR_NETWORK="shared")


@pytest.fixture(autouse=True)
def cloud(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    provider = SimulatedProvider(f"unix:{simulator.folder}/s.sock", str(simulator.folder / "token"))
    monkeypatch.setattr(registry, "provider_named", lambda name: provider)
    yield simulator
    if provider._client is not None:
        provider._client.close()
    kinds = simulator.http.get("/v1/faults").json()["kinds"]
    simulator.http.put("/v1/faults", json={kind["name"]: None for kind in kinds})


def test_something_is_broken_and_put_right(sign_in: SignIn, admin: User, alice: User) -> None:
    cluster_of(alice, Observed.BOOTING, slots=3, name="Wing, coarse mesh")
    page = sign_in(admin)
    page.goto("/")
    page.get_by_role("button", name="Menu of admin").click()
    page.get_by_role("link", name="Simulated cloud").click()
    expect(page.get_by_text("No fault is on.")).to_be_visible()
    expect(page.get_by_role("radio", name="Network cut")).to_be_disabled()
    expect(page.get_by_text("the nodes of a cluster share one network")).to_be_visible()
    page.get_by_role("radio", name="Slow boot", exact=True).check()
    page.get_by_label("Where").select_option(label="cluster-001, Wing, coarse mesh (alice)")
    page.get_by_role("combobox", name="Node").fill("compute-9")
    page.get_by_role("textbox", name="Seconds").fill("120")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("has no node compute-9; it has: head, compute-1, compute-2.")).to_be_visible()
    expect(page.get_by_role("radio", name="Slow boot", exact=True)).to_be_checked()
    page.get_by_role("combobox", name="Node").fill("compute-1")
    page.get_by_role("button", name="Switch on").click()
    on = page.get_by_role("region", name="On now")
    expect(on).to_contain_text("cluster-001 (alice), compute-1")
    expect(on).to_contain_text("120 s longer")
    picture(page, "simulated-cloud")
    page.get_by_role("button", name="Switch off: Slow boot").click()
    expect(page.get_by_text("No fault is on.")).to_be_visible()
    page.get_by_label("Total cores of Emerald").fill("48")
    page.get_by_role("button", name="Save the cores of Emerald").click()
    expect(page.get_by_label("Total cores of Emerald")).to_have_value("48")
    page.get_by_role("button", name="Reset the cores of Emerald").click()
    expect(page.get_by_label("Total cores of Emerald")).not_to_have_value("48")


def broken(page: Page) -> None:
    """Two faults on, and a mistake in the form."""
    for name in ("Slow boot", "No capacity"):
        page.get_by_role("radio", name=name).check()
        page.get_by_role("button", name="Switch on").click()
    page.get_by_role("textbox", name="Seconds").fill("soon")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Seconds are a number")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_has_no_finding(
    sign_in: SignIn, admin: User, alice: User, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster_of(alice, Observed.BOOTING, slots=3, name="Wing, coarse mesh")
    page = sign_in(admin, viewport={"width": width, "height": 800})
    page.goto(PAGE)
    found = findings(page)
    broken(page)
    found += findings(page)
    picture(page, f"simulated-cloud-{width}")
    monkeypatch.setattr(
        registry, "provider_named", lambda name: SimulatedProvider("unix:/nowhere", "/nowhere")
    )
    page.goto(PAGE)
    expect(page.get_by_role("heading", name="does not answer")).to_be_visible()
    found += findings(page)
    assert found == []
