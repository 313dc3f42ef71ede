"""The notice of a deadline on the job page: quiet from the first warning on, a warning in the last 15 minutes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.models import Cluster
from jobs.states import Observed
from jobs.views.deadline_view import deadline_view_of
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("walltime_minutes", "left", "is_near", "is_urgent"),
    [
        (60, 59, False, False),  # its beginning
        (60, 16, False, False),
        (60, 14, True, True),
        (600, 61, False, False),
        (600, 59, True, False),
        (600, 14, True, True),
        (15, 14, False, False),
        (15, 4, True, True),
        (4, 3, False, False),
        (4, 0.3, True, True),
    ],
)
def test_it_is_said_when_it_matters(
    alice: User, walltime_minutes: int, left: float, is_near: bool, is_urgent: bool
) -> None:
    made, _ = cluster_of(alice, Observed.EXECUTING, walltime_hours=11)
    at = timezone.now() + timedelta(minutes=left)
    began = at - timedelta(minutes=walltime_minutes)
    Cluster.objects.filter(pk=made.pk).update(executing_at=began, deadline_at=at, deadline_reason="walltime")
    view = deadline_view_of(Cluster.objects.get(pk=made.pk))
    assert view is not None
    assert (view.is_near, view.is_urgent) == (is_near, is_urgent)
