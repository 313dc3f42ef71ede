"""This portal's id: made by the migrations, only read afterwards."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from jobs.models import PortalId
from jobs.providers import portal_id

pytestmark = pytest.mark.django_db


def test_it_is_there_after_the_migrations_and_reading_it_writes_nothing() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = portal_id.own_portal_id()
    assert len(found) == 24
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]
    assert portal_id.own_portal_id() == found


def test_without_one_reading_says_what_to_do_and_makes_none() -> None:
    PortalId.objects.all().delete()
    with pytest.raises(RuntimeError, match=r"manage\.py migrate"):
        portal_id.own_portal_id()
    assert not PortalId.objects.exists()


def test_migrating_again_keeps_it() -> None:
    before = portal_id.own_portal_id()
    portal_id.ensure_portal_id("default")
    assert portal_id.own_portal_id() == before
    PortalId.objects.all().delete()
    portal_id.ensure_portal_id("default")
    assert portal_id.own_portal_id() != before


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_emptied_gets_another() -> None:
    """As after each test with transactions, whose flush ends with `post_migrate`."""
    assert len(portal_id.own_portal_id()) == 24


def test_an_administrators_id_comes_first(settings: Settings) -> None:
    settings.HEADNODE_PORTAL_ID = "staging"
    assert portal_id.own_portal_id() == "staging"
