"""The Connect dialog: by keyboard alone, copying where there is no clipboard API, the tunnel builder, axe."""

import os
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.access.connect_commands import TABS
from jobs.models import Job, Node
from jobs.states import Observed
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.jobs.making import HOST_KEYS, cluster_of
from tests.resident_browser import INSECURE_NAME

pytestmark = pytest.mark.browser
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice"
SENTENCE = "A port is a whole number from 1 to 65535."


@pytest.fixture
def job(alice: User, portal: str) -> Job:
    """A job whose two nodes are up."""
    services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    services.add_access_rule(SYSTEM, alice, "127.0.0.0/8", "")
    cluster, nodes = cluster_of(alice, Observed.EXECUTING, slots=2, name="Wing, coarse mesh")
    for number, node in enumerate(nodes):
        Node.objects.filter(pk=node.pk).update(
            state=Node.State.RUNNING,
            address=f"127.20.0.{5 + number}",
            port=32100,
            host_keys=[HOST_KEYS[0]],
            registered_at=timezone.now(),
            verified_at=timezone.now(),
        )
    return cluster.job


def opened(page: Page, job: Job) -> Page:
    page.goto(f"/jobs/{job.pk}/")
    page.get_by_role("link", name="More ways to connect").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
    return found


def tab_until(page: Page, wanted: str, key: str = "Tab") -> None:
    for _ in range(60):
        if focused(page) == wanted:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{wanted} is not reached by {key}")


def test_by_keyboard_alone(sign_in: SignIn, alice: User, job: Job) -> None:
    page = sign_in(alice, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/jobs/{job.pk}/")
    tab_until(page, "more-ways")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Connect to Wing, coarse mesh")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("tab", name="OpenSSH", exact=True)).to_be_focused()

    seen = [focused(page)]
    for _ in TABS[1:]:
        page.keyboard.press("ArrowRight")
        seen.append(focused(page))
        expect(dialog.get_by_role("tabpanel")).to_have_count(1)
    assert seen == [f"tab-{name}" for name in TABS]
    page.keyboard.press("ArrowRight")
    assert focused(page) == "tab-openssh", "round and round"
    page.keyboard.press("End")
    assert focused(page) == "tab-x11"
    page.keyboard.press("Home")
    assert focused(page) == "tab-openssh"

    # One Tab leaves the tabs; the next thing is the first Copy button.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("tabpanel").get_by_text("Copied", exact=True)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"ssh -p 32100 uprod_{job.pk}@127.20.0.5"

    # Another node: the tab and the focus stay.
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    tab_until(page, "connect-node", "Shift+Tab")
    page.keyboard.type("compute")
    expect(dialog.get_by_role("group", name="Way")).to_be_visible()
    expect(page.locator("#connect-node")).to_be_focused()
    expect(dialog.get_by_role("tab", name="OpenSSH strict")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#text-strict-file")).to_contain_text("-W compute-1:32100")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#way-direct")).to_be_focused()
    expect(page.locator("#text-strict-file")).to_contain_text("@127.20.0.6")

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert focused(page) == "more-ways"


def test_the_tunnel_builder_follows_what_one_types(sign_in: SignIn, alice: User, job: Job) -> None:
    page = opened(sign_in(alice), job)
    page.get_by_role("tab", name="Tunnels").click()
    page.get_by_label("Port on your computer").fill("9000")
    page.get_by_label("Port on the node").fill("5901")
    local = page.locator("#text-tunnel-local")
    expect(local).to_contain_text("-L 9000:127.0.0.1:5901 ")
    expect(page.locator("#text-tunnel-remote")).to_contain_text("-R 5901:127.0.0.1:9000 ")
    expect(page.locator("#text-tunnel-dynamic")).to_contain_text("-D 9000 ")
    expect(page.locator("#field-tunnel-putty-2")).to_have_text("127.0.0.1:5901")

    copy = page.get_by_role("button", name="Copy: To a port of the node")
    for bad in ("", "0", "65536", "abc", "-1", "1.5"):
        page.get_by_label("Port on the node").fill(bad)
        expect(page.locator("#node-port-error")).to_have_text(SENTENCE)
        expect(page.get_by_label("Port on the node")).to_have_attribute("aria-invalid", "true")
        expect(copy).to_be_disabled()
        expect(page.get_by_role("button", name="Copy: A SOCKS proxy")).to_be_enabled()
        expect(local).to_contain_text("-L 9000:127.0.0.1:5901 ")
    page.get_by_label("Port on the node").fill("22")
    expect(page.locator("#node-port-error")).to_be_hidden()
    expect(copy).to_be_enabled()
    expect(local).to_contain_text("-L 9000:127.0.0.1:22 ")

    page.get_by_label("Node", exact=True).select_option("compute-1")
    expect(local).to_contain_text("-J ")
    expect(local).to_contain_text("-L 9000:127.0.0.1:22 ")
    expect(page.get_by_role("tab", name="Tunnels")).to_have_attribute("aria-selected", "true")


def test_it_copies_without_the_clipboard_api(sign_in: SignIn, alice: User, job: Job, portal: str) -> None:
    page = sign_in(alice, base=portal.replace("127.0.0.1", INSECURE_NAME))
    opened(page, job)
    assert page.evaluate("navigator.clipboard === undefined")
    page.get_by_role("tab", name="Files").click()
    page.get_by_role("button", name="Copy: sftp").click()
    expect(page.get_by_role("tabpanel").get_by_text("Copied", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Tunnels").click()
    page.get_by_label("Port on your computer").fill("")
    page.get_by_label("Port on your computer").press("Control+V")
    pasted = page.get_by_label("Port on your computer").input_value()
    assert pasted == f"sftp -P 32100 uprod_{job.pk}@127.20.0.5"[:5]


def test_the_known_hosts_file_is_saved_under_the_name_the_command_uses(
    sign_in: SignIn, alice: User, job: Job
) -> None:
    page = opened(sign_in(alice), job)
    page.get_by_role("tab", name="OpenSSH strict").click()
    with page.expect_download() as download:
        page.locator("#download-known-hosts").click()
    name = download.value.suggested_filename
    expect(page.locator("#text-strict-file")).to_contain_text(f"UserKnownHostsFile={name} ")
    assert f"job-{job.pk.lower()}.headnode.local" in Path(download.value.path()).read_text()


def test_without_script_it_is_a_page(sign_in: SignIn, alice: User, job: Job) -> None:
    page = sign_in(alice, java_script_enabled=False)
    page.goto(f"/jobs/{job.pk}/")
    page.get_by_role("link", name="More ways to connect").click()
    expect(page.get_by_role("heading", name="Connect", exact=True)).to_be_visible()
    for name in TABS:
        expect(page.locator(f"#panel-{name}")).to_be_visible()
    page.get_by_label("Node", exact=True).select_option("compute-1")
    page.get_by_label("Port on your computer").fill("9000")
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator("#text-tunnel-local")).to_contain_text("-L 9000:127.0.0.1:8888")
    expect(page.locator("#text-openssh")).to_contain_text("-J ")
    page.goto(f"/jobs/{job.pk}/connect/?local_port=0")
    expect(page.locator("#local-port-error")).to_have_text(SENTENCE)


@pytest.mark.parametrize("width", [360, 1440])
def test_no_tab_has_a_finding(sign_in: SignIn, alice: User, job: Job, width: int) -> None:
    page = opened(sign_in(alice, viewport={"width": width, "height": 800}), job)
    shots = os.environ.get("CONNECT_DIALOG_SHOTS")
    page.get_by_label("Node", exact=True).select_option("compute-1")
    expect(page.get_by_role("group", name="Way")).to_be_visible()
    found = []
    for name in TABS:
        page.locator(f"#tab-{name}").click()
        if name == "tunnels":
            page.get_by_label("Port on the node").fill("0")
        found += findings(page)
        dialog = page.locator("#connect-dialog")
        assert dialog.evaluate("it => it.scrollWidth <= it.clientWidth"), f"{name}: wider than the dialog"
        if shots:
            page.screenshot(path=f"{shots}/{name}-{width}.png")
    page.goto(f"/jobs/{job.pk}/connect/?node=compute-1&node_port=0")
    found += findings(page)
    if shots:
        page.screenshot(path=f"{shots}/page-{width}.png")
        page.goto(f"/jobs/{job.pk}/")
        page.screenshot(path=f"{shots}/job-{width}.png")
    assert found == []
