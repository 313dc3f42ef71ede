"""What a person can do to a job, and what is refused."""

import pytest

from accounts import services as accounts
from accounts.audit.trail import digest
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs import ids
from jobs.models import Cluster, Job
from jobs.states import Observed
from jobs.submission import job_actions
from tests.jobs.making import actor, draft, saved_job, submitted_job

pytestmark = pytest.mark.django_db


def test_saving_starts_nothing(alice: User) -> None:
    job = saved_job(alice)
    assert job.submitted_at is None
    assert not Cluster.objects.filter(job=job).exists()
    assert len(job.pk) == 6
    assert job.username == f"uprod_{job.pk}"


def test_no_two_ids_differ_only_in_case(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host names, such as a node's alias, know no upper case."""
    offered = iter(["AbCdEf", "aBcDeF", "ABCDEF", "AbCdEg"])
    monkeypatch.setattr(ids, "new_id", lambda: next(offered))
    assert [saved_job(alice).pk, saved_job(alice).pk] == ["AbCdEf", "AbCdEg"]


def test_every_problem_of_a_draft_is_told_and_nothing_is_stored(alice: User) -> None:
    with pytest.raises(job_actions.DraftRefused) as caught:
        job_actions.create_job(actor(alice), alice, draft(core_type="feldspar", slots=0, walltime_hours=-1))
    assert [p.field for p in caught.value.problems] == ["coreType", "slots", "walltime"]
    assert "emerald" in caught.value.problems[0].message
    assert not Job.objects.exists()


def test_submitting_orders_a_cluster_once(alice: User) -> None:
    job = submitted_job(alice)
    assert job.cluster.observed_state == Observed.ABSENT
    assert [s.status for s in job.statuses.all()] == ["Pending"]
    assert [s.status for s in job.cluster.statuses.all()] == ["Not Started"]
    with pytest.raises(Refused, match="submitted before") as caught:
        job_actions.submit_job(actor(alice), job)
    assert (caught.value.reason, caught.value.status) == ("already_submitted", 409)


def test_the_settings_are_copied_at_submission(alice: User) -> None:
    accounts.add_access_rule(actor(alice), alice, "10.0.0.0/8", "office")
    accounts.update_job_settings(actor(alice), alice, auto_terminate_cluster=False)
    job = submitted_job(alice)
    rule = {"cidr": "10.0.0.0/8", "note": "office", "standing": "active"}
    assert job.settings_snapshot["access_rules"] == [rule]
    assert job.auto_terminate_cluster is False
    accounts.remove_access_rule(actor(alice), alice.access_rules.get())
    job.refresh_from_db()
    assert job.settings_snapshot["access_rules"][0]["cidr"] == "10.0.0.0/8"


def test_stop_is_idempotent_and_said_once(alice: User) -> None:
    job = submitted_job(alice)
    assert job_actions.stop_job(actor(alice), job) is True
    assert job_actions.stop_job(actor(alice), job) is False
    messages = [event.message for event in job.events.all()]
    assert messages.count("Stopping job (User terminated)...") == 1
    assert job.statuses.latest("id").status == "Stopping"
    assert job.cluster.statuses.latest("id").status == "Stop Requested"


def test_what_was_not_submitted_cannot_be_stopped(alice: User) -> None:
    with pytest.raises(Refused) as caught:
        job_actions.stop_job(actor(alice), saved_job(alice))
    assert caught.value.status == 409


def test_a_job_with_a_cluster_is_not_deleted(alice: User) -> None:
    job = submitted_job(alice)
    with pytest.raises(Refused) as caught:
        job_actions.delete_job(actor(alice), job)
    assert (caught.value.reason, caught.value.status) == ("cluster_running", 400)
    Cluster.objects.filter(job=job).update(observed_state=Observed.RELEASED)
    job_actions.delete_job(actor(alice), job)
    assert not Job.objects.exists()


def test_each_verb_leaves_a_chained_audit_event(alice: User) -> None:
    job = submitted_job(alice)
    job_actions.stop_job(actor(alice), job)
    found = list(AuditEvent.objects.all())
    assert [event.action for event in found] == ["jobs:job:created", "jobs:job:submitted", "jobs:job:stopped"]
    previous = ""
    for event in found:
        assert event.previous_hash == previous
        assert event.hash == digest(event)
        assert (event.actor_name, event.source_address, event.via) == ("alice", "127.0.0.1", "api")
        previous = event.hash
    found[1].object_id = "forged"
    assert digest(found[1]) != found[1].hash
