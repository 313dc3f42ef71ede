"""The checklist on the front page: a button for each step, gone when done; the sample job is a real one."""

import csv
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User
from accounts.refusals import Refused
from accounts.users import first_administrator, user_accounts
from accounts.users.loopback_access import listens_on_loopback_only
from jobs.models import CoreType, Job
from jobs.submission.sample import cheapest_core_type, sample_draft
from tests.factories import public_key

pytestmark = pytest.mark.django_db
PASSWORD = "six unrelated words of mine"


def page_of(client: Client, address: str = "203.0.113.7") -> str:
    return client.get("/", REMOTE_ADDR=address).content.decode()


def test_each_step_has_its_button_until_it_is_done(client: Client, alice: User) -> None:
    client.force_login(alice)
    html = page_of(client)
    assert all(text in html for text in ("Create one", "Paste one", "Allow 203.0.113.7", "Run the sample"))

    client.post("/settings/job/keys/", {"name": "Laptop", "public_key": public_key()})
    html = page_of(client)
    assert "Create one" not in html and "Allow 203.0.113.7" in html and "Run the sample" in html

    answer = client.post("/settings/job/rules/", {"cidr": "203.0.113.7", "next": "/"})
    assert answer["Location"] == "/"
    html = page_of(client)
    assert "Allow 203.0.113.7" not in html and "Run the sample" in html

    answer = client.post("/jobs/sample/")
    job = Job.objects.get(owner=alice)
    assert answer["Location"] == f"/jobs/{job.pk}/"
    html = page_of(client)
    assert "First steps" not in html and "Run the sample" not in html and job.name in html


def test_from_another_address_a_sentence_follows_the_checklist(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post("/settings/job/keys/", {"public_key": public_key()})
    client.post("/settings/job/rules/", {"cidr": "203.0.113.7"})
    client.post("/jobs/sample/")
    html = page_of(client, "198.51.100.9")
    assert "First steps" not in html
    assert "allow your address 198.51.100.9" in html and "Allow 198.51.100.9" in html


def test_a_key_that_is_refused_here_is_told_on_the_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/settings/job/keys/", {"public_key": "nonsense", "next": "/"}, follow=True)
    assert "This is not an SSH public key." in answer.content.decode()


def test_the_sample_runs_on_the_cheapest_node_and_terminates_by_itself(client: Client, alice: User) -> None:
    services.update_job_settings(SYSTEM, alice, auto_terminate_cluster=False)
    client.force_login(alice)
    client.post("/jobs/sample/")
    job = Job.objects.get(owner=alice)
    cheapest = min(CoreType.objects.all(), key=lambda found: found.price_per_core_hour * found.cores[0])
    assert (job.core_type, job.slots, job.auto_terminate_cluster) == (cheapest, 1, True)
    assert job.submitted_at is not None


def test_without_a_catalogue_the_sample_is_not_offered_and_refused_with_a_sentence(
    client: Client, alice: User
) -> None:
    CoreType.objects.update(is_active=False)
    client.force_login(alice)
    assert "Run the sample" not in page_of(client)
    answer = client.post("/jobs/sample/", follow=True)
    assert "There is no core type to run the sample on." in answer.content.decode()
    assert not Job.objects.exists()


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    for answer in (client.post("/jobs/sample/"), client.get("/first-steps/")):
        assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]


def test_the_sample_is_a_solver_that_converges(tmp_path: Path) -> None:
    core_type = cheapest_core_type()
    assert core_type is not None
    command = sample_draft(core_type).command
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "SAMPLE_SECONDS": "0.1"},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    residual = re.compile(r"Solving for vorticity, Initial residual = ([\d.e+-]+), Final residual = ")
    residuals = [float(found) for found in residual.findall(done.stdout)]
    assert len(residuals) == 240 and residuals[-1] < residuals[0] / 1000
    with (tmp_path / "residuals.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 240
    with (tmp_path / "centreline.csv").open() as file:
        speeds = [float(row["u"]) for row in csv.DictReader(file)]
    # Ghia, Ghia and Shin (1982), Re = 100: the least u on the vertical centre line is -0.211.
    assert min(speeds) == pytest.approx(-0.211, abs=0.03)


@pytest.mark.parametrize(
    ("host", "proxies", "expected"),
    [
        ("127.0.0.1", [], True),
        ("::1", [], True),
        ("localhost", [], True),
        ("0.0.0.0", [], False),
        ("192.0.2.1", [], False),
        ("127.0.0.1", ["127.0.0.1/32"], False),
    ],
)
def test_a_new_account_may_connect_from_this_computer_if_nobody_else_reaches_the_portal(
    client: Client, settings: Any, host: str, proxies: list[str], expected: bool
) -> None:
    settings.HEADNODE_HOST, settings.HEADNODE_TRUSTED_PROXIES = host, proxies
    assert listens_on_loopback_only() == expected
    user = user_accounts.add_user(SYSTEM, "dora", "", PASSWORD)
    assert sorted(user.access_rules.values_list("cidr", flat=True)) == (
        ["127.0.0.1/32", "::1/128"] if expected else []
    )
    client.force_login(user)
    html = page_of(client, "127.0.0.1") if not proxies else ""
    assert ("This portal answers on this computer only" in html) == expected


@pytest.fixture
def dora(settings: Any) -> User:
    """A new account on a portal that listens on loopback only."""
    settings.HEADNODE_HOST, settings.HEADNODE_TRUSTED_PROXIES = "127.0.0.1", []
    return user_accounts.add_user(SYSTEM, "dora", "", PASSWORD)


def test_a_given_rule_can_be_saved_as_ones_own_once(dora: User) -> None:
    rule, _notice = services.add_access_rule(SYSTEM, dora, "127.0.0.1", "Desk")
    assert (rule.note, dora.access_rules.count()) == ("Desk", 2)
    with pytest.raises(Refused, match="already have a rule"):
        services.add_access_rule(SYSTEM, dora, "127.0.0.1", "Desk")


def test_the_first_administrator_may_connect_from_this_computer(settings: Any) -> None:
    settings.HEADNODE_HOST, settings.HEADNODE_TRUSTED_PROXIES = "127.0.0.1", []
    first_administrator.create_if_missing(PASSWORD)
    admin = User.objects.get(username="admin")
    assert admin.access_rules.filter(cidr="127.0.0.1/32").exists()
