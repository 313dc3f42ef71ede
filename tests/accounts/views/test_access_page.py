"""The Job Settings page: access rules, SSH access, automatic termination."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import AccessRule, User

HTMX = {"HX-Request": "true"}
RULES = "/settings/job/rules/"
SETTINGS = "/settings/job/"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def cidrs(owner: User) -> list[str]:
    return list(owner.access_rules.values_list("cidr", flat=True))


def test_without_a_rule_the_page_warns_and_offers_the_address_one_comes_from(
    page: Client, alice: User
) -> None:
    html = page.get(SETTINGS, REMOTE_ADDR="192.0.2.7").content.decode()
    assert "You are at 192.0.2.7, and no rule includes it." in html
    assert "nobody can connect, over SSH or in the browser terminal" in html
    html = page.post(RULES, {"cidr": "192.0.2.7/32"}, REMOTE_ADDR="192.0.2.7", headers=HTMX).content.decode()
    assert "no rule includes it" not in html
    assert cidrs(alice) == ["192.0.2.7/32"]


def test_the_own_address_preset_is_filled_in_and_can_be_edited(page: Client, alice: User) -> None:
    html = page.get(SETTINGS, REMOTE_ADDR="2001:db8::7").content.decode()
    assert 'value="2001:db8::7/128"' in html
    page.post(RULES, {"preset": "own", "cidr": "2001:db8::/64"}, headers=HTMX)
    assert cidrs(alice) == ["2001:db8::/64"]


def test_everywhere_means_both_families_and_twice_is_no_error(page: Client, alice: User) -> None:
    for _ in range(2):
        assert page.post(RULES, {"preset": "everywhere"}, headers=HTMX).status_code == 200
    assert cidrs(alice) == ["0.0.0.0/0", "::/0"]


def test_host_bits_are_normalised_with_a_notice(page: Client, alice: User) -> None:
    html = page.post(RULES, {"cidr": "10.1.2.3/8", "note": "Lab"}, headers=HTMX).content.decode()
    assert "10.1.2.3/8 was saved as 10.0.0.0/8" in html
    assert cidrs(alice) == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    "bad", ["", "10.0.0.0/33", "300.1.1.1", "::/129", "office", "10.0.0.0/8, 11.0.0.0/8"]
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_bad_rule_comes_back_with_its_sentence_and_what_was_typed(
    page: Client, alice: User, bad: str, headers: dict[str, str]
) -> None:
    answer = page.post(RULES, {"cidr": bad, "note": "My note"}, headers=headers)
    html = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="rule-cidr-error"' in html and 'value="My note"' in html
    assert f'value="{bad}"' in html
    assert cidrs(alice) == []


def test_removing_a_rule_asks_first(page: Client, alice: User) -> None:
    rule, _ = services.add_access_rule(SYSTEM, alice, "192.0.2.0/24", "Office")
    remove = reverse("access_rule_remove", args=[rule.pk])
    assert "Remove the rule 192.0.2.0/24?" in page.post(remove).content.decode()
    assert cidrs(alice) == ["192.0.2.0/24"]
    page.post(remove, {"confirmed": "1"}, headers=HTMX)
    assert cidrs(alice) == []


def test_somebody_elses_rule_is_not_there(client: Client, alice: User, charlie: User) -> None:
    rule, _ = services.add_access_rule(SYSTEM, alice, "192.0.2.0/24", "Office")
    client.force_login(charlie)
    answer = client.post(reverse("access_rule_remove", args=[rule.pk]), {"confirmed": "1"})
    assert answer.status_code == 404
    assert AccessRule.objects.filter(pk=rule.pk).exists()


def test_switching_ssh_off_asks_is_shown_and_can_be_undone(page: Client, alice: User) -> None:
    url = "/settings/job/ssh-access/"
    assert "Switch SSH access off?" in page.post(url, {"ssh_access": "off"}).content.decode()
    assert services.job_settings(alice).ssh_access
    html = page.post(url, {"ssh_access": "off", "confirmed": "1"}, headers=HTMX).content.decode()
    assert "SSH access is switched off." in html
    assert not services.job_settings(alice).ssh_access
    page.post(url, {"ssh_access": "on"}, headers=HTMX)
    assert services.job_settings(alice).ssh_access


def test_not_terminating_automatically_is_saved_with_a_warning(page: Client, alice: User) -> None:
    url = "/settings/job/auto-terminate/"
    html = page.get(SETTINGS).content.decode()
    assert "keeps costing until it is terminated" in html
    html = page.post(url, {}, headers=HTMX).content.decode()
    assert "It costs until then." in html
    assert not services.job_settings(alice).auto_terminate_cluster
    page.post(url, {"auto_terminate_cluster": "on"}, headers=HTMX)
    assert services.job_settings(alice).auto_terminate_cluster


def test_a_rule_added_from_another_page_leads_back_there_and_nowhere_else(page: Client, alice: User) -> None:
    answer = page.post(RULES, {"cidr": "192.0.2.7", "next": "/jobs/new/"})
    assert answer["Location"] == "/jobs/new/"
    answer = page.post(RULES, {"cidr": "192.0.2.8", "next": "https://evil.example/"})
    assert answer["Location"] == SETTINGS
