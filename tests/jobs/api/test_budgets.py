"""/budgets/: administrators write, people see theirs and their projects', and bad input gets a sentence."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Project, User
from jobs.models import Budget
from tests.api import client_of
from tests.jobs.costs.charges import charge

pytestmark = pytest.mark.django_db
URL = "/api/v2/budgets/"
ALICES = {"scope": "person", "subject": "alice", "amount": "10.50", "period": "month", "enforced": True}


def test_an_administrator_adds_changes_and_removes_one(alice: User, admin: User) -> None:
    client = client_of(admin)
    charge(alice, timezone.now().replace(day=1), 3600 * 60)
    made = client.post(URL, ALICES, format="json")
    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"],
        "scope": "person",
        "subject": "alice",
        "amount": "10.500000",
        "currency": "USD",
        "period": "month",
        "enforced": True,
        "spent": "6.000000",
        "step": 50,
        "usedUpAt": None,
    }
    one = f"{URL}{made.json()['id']}/"
    assert client.patch(one, {"amount": 7, "enforced": False}, format="json").json()["step"] == 80
    assert client.get(URL).json()["count"] == 1
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    actions = AuditEvent.objects.filter(action__startswith="jobs:budget").order_by("id")
    assert [row.action for row in actions] == [
        "jobs:budget:added",
        "jobs:budget:changed",
        "jobs:budget:removed",
    ]


def test_people_see_theirs_and_change_none(alice: User, bob: User, charlie: User, admin: User) -> None:
    project = Project.objects.create(name="Wing")
    project.memberships.create(person=alice)
    project.memberships.create(person=bob)
    for body in (
        ALICES,
        {**ALICES, "scope": "project", "subject": project.pk},
        {**ALICES, "scope": "site", "subject": ""},
    ):
        assert client_of(admin).post(URL, body, format="json").status_code == 201
    ids = {row.scope: row.pk for row in Budget.objects.all()}
    seen = {"alice": {"person", "project"}, "bob": {"project"}, "charlie": set(), "admin": set(ids)}
    for person in (alice, bob, charlie, admin):
        client = client_of(person)
        name = person.get_username()
        assert {row["scope"] for row in client.get(URL).json()["results"]} == seen[name]
        for scope, pk in ids.items():
            expected = 200 if scope in seen[name] else 404
            assert client.get(f"{URL}{pk}/").status_code == expected
        if person != admin:
            assert client.post(URL, ALICES, format="json").status_code == 403
            assert client.patch(f"{URL}{ids['person']}/", {"amount": 1}, format="json").status_code == 403
            assert client.delete(f"{URL}{ids['person']}/").status_code == 403
    assert Budget.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": "galaxy"}, "scope"),
        ({"subject": "nobody"}, "subject"),
        ({"subject": "a\0b"}, "subject"),
        ({"scope": "site"}, "subject"),
        ({"scope": "project", "subject": "alice"}, "subject"),
        ({"amount": 0}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "0.00001"}, "amount"),
        ({"amount": "1e30"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "much"}, "amount"),
        ({"currency": "dollars"}, "currency"),
        ({"period": "week"}, "period"),
    ],
)
def test_bad_input_gets_a_sentence_with_its_field(
    alice: User, admin: User, change: dict[str, Any], field: str
) -> None:
    answer = client_of(admin).post(URL, {**ALICES, **change}, format="json")
    assert answer.status_code == 400
    assert field in answer.content.decode()
    assert Budget.objects.count() == 0
