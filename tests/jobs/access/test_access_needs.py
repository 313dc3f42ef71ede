"""What a user lacks to connect: every missing thing in one sentence, the same on every page and in the Job Log."""

import pytest
from django.test import Client

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.access.access_needs import access_needs
from jobs.models import Job, JobEvent, Node
from jobs.states import Observed
from jobs.submission import job_actions
from tests.factories import AccessRuleFactory, SSHKeyFactory
from tests.jobs.making import actor, cluster_of, saved_job

pytestmark = pytest.mark.django_db
ADDRESS = "192.0.2.7"


def given(alice: User, key: bool, rule: bool, on: bool = True) -> None:
    """Give alice a key and a rule for ADDRESS, or not, and set SSH access."""
    if key:
        SSHKeyFactory.create(owner=alice)
    if rule:
        AccessRuleFactory.create(owner=alice, cidr="192.0.2.0/24")
    if not on:
        services.update_job_settings(SYSTEM, alice, ssh_access=False)


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("rule", [True, False])
@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("address", [ADDRESS, ""])
def test_the_sentence_names_each_missing_thing_and_nothing_else(
    alice: User, key: bool, rule: bool, on: bool, address: str
) -> None:
    given(alice, key, rule, on)
    needs = access_needs(alice, address)
    allowed = bool(on and rule and address)
    assert needs.nothing == (key and allowed) == (needs.sentence == "")
    assert needs.terminal_works == allowed
    says_terminal_works = "The browser terminal works without" in needs.sentence
    assert says_terminal_works == (allowed and not key), "only where it is true"
    if on and address:
        assert ("SSH key" in needs.sentence) == (not key)
        assert (f"your address {ADDRESS}" in needs.sentence) == (not rule)
    assert ("switched off" in needs.sentence) == (not on)


@pytest.fixture
def ready(alice: User) -> Job:
    """A job of alice's whose head node is up."""
    cluster, nodes = cluster_of(alice, Observed.EXECUTING)
    Node.objects.filter(pk=nodes[0].pk).update(state=Node.State.RUNNING, address="127.20.0.5", port=32100)
    return cluster.job


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("rule", [True, False])
def test_every_page_says_the_same_with_a_button_for_each_thing(
    client: Client, alice: User, ready: Job, key: bool, rule: bool
) -> None:
    given(alice, key, rule)
    client.force_login(alice)
    sentence = access_needs(alice, ADDRESS).sentence
    for path in (f"/jobs/{ready.pk}/", "/jobs/new/", "/clusters/launch/"):
        html = client.get(path, REMOTE_ADDR=ADDRESS).content.decode()
        assert (sentence in html) and ("browser terminal" in html) >= (not key or not rule)
        assert ("Add a key" in html) == (not key)
        assert (f"Allow {ADDRESS}" in html) == (not rule)
    html = client.get(f"/jobs/{ready.pk}/", REMOTE_ADDR=ADDRESS).content.decode()
    assert ("as soon as you have an SSH key" in html) == (not key)


def test_an_address_allowed_from_a_page_leads_back_to_it(client: Client, alice: User, ready: Job) -> None:
    client.force_login(alice)
    path = f"/jobs/{ready.pk}/"
    answer = client.post("/settings/job/rules/", {"cidr": ADDRESS, "next": path}, REMOTE_ADDR=ADDRESS)
    assert answer["Location"] == path
    assert "your address" not in client.get(path, REMOTE_ADDR=ADDRESS).content.decode()


@pytest.mark.parametrize(
    ("key", "rule", "on", "expected"),
    [
        (False, True, True, ["No SSH key is saved"]),
        (True, False, True, ["No access rule is saved"]),
        (False, False, True, ["No SSH key is saved", "No access rule is saved"]),
        (True, True, False, ["SSH access is switched off"]),
        (True, True, True, []),
    ],
)
def test_the_job_log_warns_at_submission_and_tells_the_truth(
    alice: User, key: bool, rule: bool, on: bool, expected: list[str]
) -> None:
    given(alice, key, rule, on)
    job = job_actions.submit_job(actor(alice), saved_job(alice))
    warnings = list(JobEvent.objects.filter(job=job, level="warning").values_list("message", flat=True))
    assert len(warnings) == len(expected)
    assert all(text.startswith(start) for text, start in zip(warnings, expected, strict=True))
    assert not any("browser terminal works" in text for text in warnings)
