"""Enforced budgets with rows: deadlines of running clusters, jobs that wait, refused extensions, steps told once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit.trail import SYSTEM, Actor
from accounts.models import AuditEvent, Notification, Project, User
from accounts.refusals import Refused
from jobs.control import budget_start, claim, facts, teardown
from jobs.costs.budget_actions import NewBudget, add_budget, change_budget, remove_budget
from jobs.costs.budget_rows import waiting_for
from jobs.costs.budget_spending import spent_of
from jobs.costs.budgets import ENDING_RESERVE
from jobs.lifetime import deadline_limits, deadline_store
from jobs.lifetime.budget_check import check_budgets
from jobs.lifetime.extending import extend_job
from jobs.models import Budget, BudgetStep, Cluster, CoreType, Job, JobStatus, Node
from jobs.models.charge import Charge
from jobs.states import Observed
from tests.jobs.costs.charges import charge
from tests.jobs.making import cluster_of, submitted_job

pytestmark = pytest.mark.django_db
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def price(catalogue: None) -> None:
    """An emerald core costs 36 an hour: a cent a second."""
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=36, currency="USD")


def budget_of(person: User | None, amount: str, **more: object) -> Budget:
    given = {
        "scope": "person" if person else "site",
        "subject": person.get_username() if person else "",
        "amount": Decimal(amount),
        "period": "once",
        "enforced": True,
        **more,
    }
    return add_budget(SYSTEM, NewBudget(**given))  # type: ignore[arg-type]  # named as they are


def running(owner: User, seconds_ago: int = 0, **change: object) -> Cluster:
    """A command that has run for some seconds, and its charge that is open."""
    cluster, _nodes = cluster_of(owner, Observed.EXECUTING, **change)
    began = timezone.now().replace(microsecond=0) - seconds_ago * SECOND
    charge(
        owner,
        began,
        0,
        cluster_id=cluster.pk,
        job_id=cluster.job_id,
        project_id=cluster.job.project_id or "",
        is_open=True,
        price_per_core_hour=36,
    )
    return reread(cluster)


def reread(cluster: Cluster) -> Cluster:
    return Cluster.objects.select_related("job__owner", "job__core_type").get(pk=cluster.pk)


def claimed(cluster: Cluster) -> Cluster:
    Cluster.objects.filter(pk=cluster.pk).update(next_check_at=timezone.now(), claimed_until=None)
    found = claim.acquire(cluster.pk)
    assert found is not None
    return found


def let_start(job: Job) -> bool:
    """What the loop does for a cluster that is not ordered."""
    cluster = claimed(job.cluster)
    return budget_start.let_start(cluster)


def test_running_clusters_get_a_deadline_from_the_rate_of_all(alice: User) -> None:
    budget = budget_of(alice, "10")
    first, second = running(alice), running(alice)
    check_budgets()
    budget.refresh_from_db()
    now = timezone.now()
    assert budget.used_up_at is not None
    assert abs(budget.used_up_at - now - 500 * SECOND) < 4 * SECOND  # 10 at two cents a second
    for cluster in (first, second):
        found = claimed(cluster)
        deadline_store.correct(found)
        assert (found.deadline_reason, found.deadline_at) == ("budget", budget.used_up_at - ENDING_RESERVE)


def test_the_earliest_of_several_budgets_wins_and_others_do_not_count(alice: User, bob: User) -> None:
    budget_of(alice, "20")
    site = budget_of(None, "10")
    budget_of(bob, "0.1")
    budget_of(alice, "0.1", enforced=False)
    cluster = running(alice)
    check_budgets()
    found = deadline_limits.deadline_of(cluster)
    site.refresh_from_db()
    assert found is not None and site.used_up_at is not None
    assert (found.reason, found.at) == ("budget", site.used_up_at - ENDING_RESERVE)


def test_a_look_at_nothing_new_wakes_nobody(alice: User) -> None:
    budget_of(alice, "10")
    cluster = running(alice)
    check_budgets()
    wakeups = reread(cluster).wakeups
    check_budgets()
    assert reread(cluster).wakeups == wakeups


def test_only_what_was_spent_since_it_began_counts(alice: User) -> None:
    budget = budget_of(alice, "10")
    since = timezone.now().replace(microsecond=0)
    Budget.objects.update(since=since)
    budget.refresh_from_db()
    charge(alice, since - HOUR, 3000)
    charge(alice, since - 10 * SECOND, 30, price_per_core_hour=36)
    charge(alice, since + 30 * SECOND, 100, price_per_core_hour=36)
    charge(alice, since, 100, price_per_core_hour=36, currency="EUR")
    assert spent_of(budget, since + HOUR) == Decimal("1.2")


def test_a_job_waits_as_queued_and_starts_when_the_budget_is_raised(alice: User) -> None:
    budget = budget_of(alice, "1")
    charge(alice, timezone.now(), 100, price_per_core_hour=36)
    job = submitted_job(alice)
    assert not let_start(job)
    assert not let_start(job)
    status = JobStatus.objects.get(job=job, status="Queued")
    assert status.reason == "Waiting: the budget of alice is used up."
    cluster = reread(job.cluster)
    assert cluster.deadline_at is None and deadline_limits.deadline_of(cluster) is None
    before = cluster.wakeups
    change_budget(SYSTEM, budget, amount=Decimal(5))
    assert reread(cluster).wakeups == before + 1
    assert let_start(job)
    assert JobStatus.objects.get(job=job, status="Queued").reason == ""
    assert reread(cluster).let_start_at is not None


def test_a_job_that_waited_long_has_its_whole_life_before_it(alice: User) -> None:
    budget = budget_of(alice, "1")
    charge(alice, timezone.now(), 100, price_per_core_hour=36)
    job = submitted_job(alice)
    assert not let_start(job)
    Cluster.objects.filter(job=job).update(created_at=timezone.now() - 400 * 24 * HOUR)
    remove_budget(SYSTEM, budget)
    assert deadline_limits.deadline_of(reread(job.cluster)) is None
    assert let_start(job)
    found = deadline_limits.deadline_of(reread(job.cluster))
    assert found is not None and found.at > timezone.now()


def test_a_job_goes_on_when_the_month_turns(alice: User) -> None:
    budget_of(alice, "1", period="month")
    spent = charge(alice, timezone.now(), 100, price_per_core_hour=36)
    job = submitted_job(alice)
    assert not let_start(job)
    last_month = timezone.now() - timedelta(days=32)
    Charge.objects.filter(pk=spent.pk).update(
        began_at=last_month, ended_at=last_month + 100 * SECOND, day=last_month.date()
    )
    before = reread(job.cluster).wakeups
    check_budgets()
    assert reread(job.cluster).wakeups == before + 1
    assert let_start(job)


def test_clusters_that_are_let_start_count_before_they_are_charged(alice: User) -> None:
    """There is a minute for one core, and not for two."""
    budget_of(alice, "1")
    first, second = submitted_job(alice), submitted_job(alice)
    assert let_start(first)
    assert not let_start(second)
    reason = JobStatus.objects.get(job=second, status="Queued").reason
    assert reason == "Waiting: with this job, the budget of alice would be used up within a minute."


def test_an_extension_beyond_the_budget_is_refused_with_the_sum(alice: User) -> None:
    budget_of(alice, "60")
    cluster, other = running(alice), running(alice)
    Cluster.objects.update(deadline_at=timezone.now() + HOUR, deadline_reason="walltime")
    Job.objects.filter(cluster=other).update(walltime=HOUR / 60)
    with pytest.raises(Refused) as refused:
        extend_job(Actor(alice), cluster.job, by=HOUR)
    assert (refused.value.reason, refused.value.status) == ("beyond_budget", 409)
    assert "the budget of alice is exceeded by USD 1" in refused.value.message
    assert "Of USD 60.00, USD 0.00 is spent." in refused.value.message
    extend_job(Actor(alice), cluster.job, by=HOUR / 4)
    assert Job.objects.get(pk=cluster.job_id).walltime == HOUR + HOUR / 4


def test_the_page_refuses_the_same_extension_and_names_the_budget(
    client: Client, alice: User, bob: User
) -> None:
    budget_of(alice, "60")
    cluster = running(alice)
    check_budgets()
    Cluster.objects.update(deadline_at=timezone.now() + HOUR, deadline_reason="budget")
    Job.objects.update(walltime=2 * HOUR)
    check_budgets()
    url = f"/jobs/{cluster.job_id}/extend/"
    client.force_login(alice)
    answer = client.post(url, {"seconds": "7200"})
    assert answer.status_code == 409
    assert "the budget of alice is exceeded by USD" in answer.content.decode()
    assert "Then the budget of alice is used up." in client.get(f"/jobs/{cluster.job_id}/").content.decode()
    client.force_login(bob)
    assert client.post(url, {"seconds": "7200"}).status_code == 404


def test_steps_are_told_once_to_whom_they_concern(alice: User, bob: User, charlie: User, admin: User) -> None:
    project = Project.objects.create(name="Wing")
    project.memberships.create(person=bob)
    budget = budget_of(None, "10", scope="project", subject="Wing")
    charge(alice, timezone.now(), 850, price_per_core_hour=36, project_id=project.pk)
    check_budgets()
    check_budgets()
    told = Notification.objects.filter(kind="budget")
    assert {row.person for row in told} == {bob, admin}
    assert told.count() == 2
    row = told.get(person=bob)
    assert row.title == "80 % of the budget of project Wing is spent"
    assert row.text.startswith("Of USD 10.00, USD 8.50 is spent: 80 % of the budget of project Wing.")
    assert list(BudgetStep.objects.order_by("percent").values_list("percent", flat=True)) == [50, 80]
    charge(alice, timezone.now(), 150, price_per_core_hour=36, project_id=project.pk)
    check_budgets()
    assert told.filter(person=bob).count() == 2
    assert AuditEvent.objects.filter(action="jobs:budget:step_reached").count() == 2
    change_budget(SYSTEM, budget, amount=Decimal(100))
    change_budget(SYSTEM, budget, amount=Decimal(10))
    check_budgets()
    assert told.filter(person=bob).count() == 2


def test_a_waiting_job_that_was_terminated_is_not_asked_any_more(alice: User) -> None:
    """It would be woken every two seconds for ever, and stand in the way of those that wait behind it."""
    budget = budget_of(alice, "1")
    charge(alice, timezone.now(), 100, price_per_core_hour=36)
    job = submitted_job(alice)
    assert not let_start(job)
    Cluster.objects.filter(job=job).update(observed_state=Observed.RELEASED, desired_state="stopped")
    before = reread(job.cluster).wakeups
    change_budget(SYSTEM, budget, amount=Decimal(50))
    check_budgets()
    assert reread(job.cluster).wakeups == before


@pytest.mark.parametrize("change", [{"price_per_core_hour": 0}, {"currency": "EUR"}])
def test_a_budget_does_not_end_what_costs_nothing_of_it(alice: User, change: dict[str, object]) -> None:
    CoreType.objects.filter(pk="onyx").update(**change)
    free, _nodes = cluster_of(alice, Observed.EXECUTING, core_type="onyx")
    budget_of(alice, "1")
    paid = running(alice, seconds_ago=200)
    check_budgets()
    reasons = [deadline_limits.deadline_of(reread(each)) for each in (free, paid)]
    assert [found and found.reason for found in reasons] == ["walltime", "budget"]
    extend_job(Actor(alice), free.job, by=HOUR / 4)


def test_only_those_whose_deadline_changes_are_woken(alice: User) -> None:
    budget_of(alice, "60")
    soon, late = running(alice), running(alice)
    Cluster.objects.filter(pk=soon.pk).update(
        deadline_at=timezone.now() + HOUR / 4, deadline_reason="walltime"
    )
    Cluster.objects.filter(pk=late.pk).update(deadline_at=timezone.now() + HOUR, deadline_reason="walltime")
    Job.objects.update(walltime=2 * HOUR)
    before = [reread(each).wakeups for each in (soon, late)]
    check_budgets()
    assert [reread(each).wakeups for each in (soon, late)] == [before[0], before[1] + 1]


def test_the_walltime_of_others_does_not_refuse_what_the_budget_lasts_for(alice: User) -> None:
    """Until then both together cost 55 of 60. What the other may burn after that, its own deadline ends."""
    budget = budget_of(alice, "60")
    cluster, _other = running(alice), running(alice, walltime_hours=10)
    Cluster.objects.update(deadline_at=timezone.now() + HOUR / 2, deadline_reason="walltime")
    Job.objects.filter(cluster=cluster).update(walltime=HOUR / 2)
    extend_job(Actor(alice), cluster.job, by=HOUR / 4)
    assert Job.objects.get(pk=cluster.job_id).walltime == HOUR * 3 / 4
    budget.refresh_from_db()
    assert budget.used_up_at is not None and reread(cluster).deadline_at is not None


def test_a_distrusted_head_waits_no_longer_than_the_budget_lasts(alice: User) -> None:
    budget = budget_of(alice, "10")
    cluster = running(alice)
    Node.objects.filter(cluster=cluster).update(host_key_alarm_at=timezone.now())
    check_budgets()
    budget.refresh_from_db()
    found = facts.facts_of(cluster, list(cluster.nodes.all()), provider_has_it=True)
    assert budget.used_up_at is not None
    assert found.trust_limit_at == budget.used_up_at - ENDING_RESERVE


def test_a_long_collection_ends_with_the_budget(alice: User) -> None:
    """It began with hours before it; its budget is used up in the midst of it."""
    cluster, _nodes = cluster_of(alice, Observed.DRAINED)
    now = timezone.now()
    Cluster.objects.filter(pk=cluster.pk).update(
        executed_at=now - HOUR, deadline_at=now + 5 * HOUR, deadline_reason="collect_limit"
    )
    check = teardown.CollectingCheck(claimed(cluster))
    check()
    budget_of(alice, "1")
    Budget.objects.update(used_up_at=now - 60 * SECOND)
    with pytest.raises(TimeoutError):
        teardown.CollectingCheck(claimed(cluster))()


def test_many_that_wait_are_asked_with_as_many_queries_as_one(alice: User) -> None:
    """The budget is locked meanwhile."""
    budget = budget_of(alice, "0.3")
    queries = []
    for _ in range(3):
        assert not let_start(submitted_job(alice))
        with CaptureQueriesContext(connection) as context:
            check_budgets()
        queries.append(len(context))
    assert waiting_for(budget).count() == 3
    assert queries[0] == queries[2]
