"""With SSH access switched off, a running cluster's nodes are given no rule, and so let nobody in."""

import pytest

from accounts import services as accounts
from accounts.models import User
from jobs.access import access_document
from jobs.states import Observed
from tests.factories import public_key
from tests.jobs.making import actor, cluster_of

pytestmark = pytest.mark.django_db


def test_switching_ssh_off_takes_the_rules_from_a_running_cluster_and_back_on_gives_them_again(
    alice: User,
) -> None:
    who = actor(alice)
    accounts.add_ssh_key(who, alice, "laptop", public_key())
    accounts.add_access_rule(who, alice, "192.0.2.0/24")
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    assert access_document.new_document(cluster)["rules"] == ["192.0.2.0/24"]

    accounts.update_job_settings(who, alice, ssh_access=False)
    cluster.refresh_from_db()
    off = access_document.new_document(cluster)
    assert (off["rules"], off["ssh_access_off"]) == ([], True)
    assert access_document.rules_of(User.objects.get(pk=alice.pk)) == []

    accounts.update_job_settings(who, alice, ssh_access=True)
    cluster.refresh_from_db()
    on = access_document.new_document(cluster)
    assert (on["rules"], on["ssh_access_off"]) == (["192.0.2.0/24"], False)
    assert on["version"] > off["version"]
