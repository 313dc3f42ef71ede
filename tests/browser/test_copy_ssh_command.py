"""Copy SSH command: asks once which key file, remembers it, and puts -i in everywhere; the Job Log's button too."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.access.connection_info import connection_message
from jobs.events import job_log
from jobs.models import Cluster, Job, Node
from jobs.states import LogSource, Observed
from tests.browser.accessibility import findings
from tests.browser.conftest import Aside, SignIn
from tests.jobs.making import HOST_KEYS, cluster_of

pytestmark = pytest.mark.browser
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice"
ALLOWED = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture
def job(alice: User, portal: str) -> Job:
    """A job on two nodes that are up, with the connection message in its log."""
    services.add_access_rule(SYSTEM, alice, "127.0.0.0/8", "")
    cluster, nodes = cluster_of(alice, Observed.EXECUTING, slots=2)
    for number, node in enumerate(nodes):
        node.state, node.address, node.port = Node.State.RUNNING, f"127.20.0.{5 + number}", 32100
        node.host_keys = [HOST_KEYS[0]]
        node.registered_at = node.verified_at = timezone.now()
        node.save()
    head = Node.objects.select_related("cluster__job").get(cluster=cluster, role=Node.Role.HEAD)
    job_log.append(cluster.job, LogSource.PORTAL, connection_message(head), node="head")
    return cluster.job


def copied(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_it_asks_once_and_puts_the_file_in(sign_in: SignIn, alice: User, job: Job) -> None:
    services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    page = sign_in(alice, **ALLOWED)
    page.goto(f"/jobs/{job.pk}/")
    login = f"uprod_{job.pk}@127.20.0.5"
    page.locator("#copy-ssh").click()
    dialog = page.get_by_role("dialog", name="Which key file do you use?")
    expect(dialog).to_be_visible()
    assert copied(page) == f"ssh -p 32100 {login}", "nothing has to be answered"
    assert findings(page) == []
    dialog.get_by_label("~/.ssh/id_ed25519_headnode").check()
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()
    wanted = f"ssh -i ~/.ssh/id_ed25519_headnode -p 32100 {login}"
    expect(page.locator("#ssh-command")).to_have_text(wanted)
    assert copied(page) == wanted

    # It is not asked again, and the Job Log's button copies the same.
    page.reload()
    page.evaluate("navigator.clipboard.writeText('')")
    page.locator("#job-log .log-copy button").click()
    expect(page.locator("#job-log .log-copy button")).to_have_text("Copied")
    assert copied(page) == wanted
    expect(page.locator("#key-file-dialog")).to_be_hidden()

    # Change.
    page.locator("#change-key-file").click()
    dialog.get_by_label("Path of the private key file").fill("C:\\Users\\Ada L\\.ssh\\work.pub")
    dialog.get_by_role("button", name="Use this key").click()
    expect(page.locator("#ssh-command")).to_have_text(f'ssh -i "C:/Users/Ada L/.ssh/work" -p 32100 {login}')
    assert page.evaluate("localStorage.getItem('headnode:key-file')") == "C:/Users/Ada L/.ssh/work"


def test_what_is_no_path_is_refused_with_a_sentence(sign_in: SignIn, alice: User, job: Job) -> None:
    services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    page = sign_in(alice, **ALLOWED)
    page.goto(f"/jobs/{job.pk}/")
    page.locator("#copy-ssh").click()
    dialog = page.get_by_role("dialog", name="Which key file do you use?")
    field = dialog.get_by_label("Path of the private key file")
    for typed, sentence in (
        ("-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1r", "This is a key itself."),
        ("~/keys/mine.ppk", "PuTTY's form"),
        ("~/$HOME/key", "different ways"),
        ("-oProxyCommand=x", "begins with a hyphen"),
        ("", "Enter the path"),
    ):
        field.fill(typed)
        dialog.get_by_label("Another file").check()
        dialog.get_by_role("button", name="Use this key").click()
        expect(dialog.get_by_role("alert")).to_contain_text(sentence)
    assert page.evaluate("localStorage.getItem('headnode:key-file')") is None
    dialog.get_by_role("button", name="Ask me later").click()
    expect(dialog).to_be_hidden()


def test_without_a_key_both_buttons_wait_and_say_why(
    sign_in: SignIn, alice: User, job: Job, aside: Aside
) -> None:
    page = sign_in(alice)
    page.goto(f"/jobs/{job.pk}/")
    expect(page.locator("#copy-ssh")).to_be_disabled()
    button = page.locator("#job-log .log-copy button")
    expect(button).to_be_disabled()
    expect(page.locator("#job-log .log-copy")).to_contain_text("as soon as you have an SSH key")
    services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    page.reload()
    expect(button).to_be_enabled()

    Cluster.objects.filter(job=job).update(observed_state=Observed.RELEASED)
    aside(job_log.append, job, LogSource.PORTAL, "The cluster is gone.")
    expect(button).to_be_disabled()
    expect(page.locator("#job-log .log-copy")).to_contain_text("The cluster was terminated.")


def test_the_commands_of_the_guide_name_it_too(sign_in: SignIn, alice: User, job: Job) -> None:
    services.add_ssh_key(SYSTEM, alice, "Laptop", KEY)
    page = sign_in(alice)
    page.add_init_script("localStorage.setItem('headnode:key-file', '~/.ssh/work')")
    page.goto(f"/jobs/{job.pk}/")
    page.get_by_role("link", name="More ways to connect").click()
    login = f"uprod_{job.pk}@127.20.0.5"
    expect(page.locator("#text-openssh")).to_have_text(f"ssh -i ~/.ssh/work -p 32100 {login}")
    expect(page.locator("#text-sftp")).to_have_text(f"sftp -i ~/.ssh/work -P 32100 {login}")
    expect(page.locator("#text-vscode-config")).to_contain_text("IdentityFile ~/.ssh/work")
    page.get_by_role("tab", name="Tunnels").click()
    page.get_by_label("Port on your computer").fill("9000")
    expect(page.locator("#text-tunnel-local")).to_contain_text("ssh -i ~/.ssh/work -N")
    expect(page.locator("#text-tunnel-local")).to_contain_text("9000:127.0.0.1:8888")
