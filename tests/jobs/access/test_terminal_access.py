"""Who may stay in an open terminal on a job's node: rules, SSH off, a deactivated person, a cluster that ends."""

import pytest

from accounts import services as accounts
from accounts.audit.trail import Actor
from accounts.models import AccessRule, User
from accounts.users.session_validity import SignInCredential
from jobs.access import node_access, session_subjects
from jobs.models import Cluster
from jobs.states import Observed
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession
from sshgateway.process import session_store
from sshgateway.process.session_store import ClientReport, ReviewResult, SessionReport
from sshgateway.sessions import session_actions, sharing
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.roles import Participant, Role
from tests.factories import APITokenFactory, ClusterFactory, JobFactory, NodeFactory, TerminalSessionFactory

pytestmark = pytest.mark.django_db

HERS, HIS = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def cluster(alice: User) -> Cluster:
    AccessRule.objects.create(owner=alice, cidr="192.0.2.0/24")
    AccessRule.objects.create(owner=alice, cidr="198.51.100.0/24")
    cluster = ClusterFactory(job=JobFactory(owner=alice, submitted=True))
    NodeFactory(cluster=cluster)
    return cluster


@pytest.fixture
def session(alice: User, cluster: Cluster) -> TerminalSession:
    return TerminalSessionFactory(
        owner=alice, subject=session_subjects.subject_of(cluster.job), source_address=HERS
    )


def visitor(key: int, user: User, role: Role, address: str) -> ClientReport:
    token = APITokenFactory.create(owner=user)
    participant = Participant(role, user.pk, user.get_username(), may_type=role is Role.OWNER)
    return ClientReport(key, participant, address, SignInCredential(token_id=token.pk))


@pytest.fixture
def report(alice: User, bob: User, session: TerminalSession) -> SessionReport:
    """alice and bob are in her terminal, each from their own address."""
    sharing.share_session(Actor(alice), session, "bob", may_type=False)
    there = (visitor(1, alice, Role.OWNER, HERS), visitor(2, bob, Role.GUEST, HIS))
    return SessionReport(session.pk, 0, 0, None, there)


def look(report: SessionReport) -> ReviewResult:
    return session_store.review([report])[report.session_id]


def test_both_may_stay(report: SessionReport) -> None:
    verdict = look(report)
    assert (verdict.end, verdict.expelled) == (None, ())
    assert [key for key, _ in verdict.confirmed] == [2]


def test_a_rule_that_let_the_guest_in_goes(alice: User, report: SessionReport) -> None:
    accounts.remove_access_rule(Actor(alice), alice.access_rules.get(cidr="198.51.100.0/24"))
    verdict = look(report)
    assert verdict.end is None
    ((key, why),) = verdict.expelled
    assert (key, why.reason) == (2, "cidr_denied")
    assert why.message == (
        f"Your address {HIS} is in none of alice's access rules, and they hold for everybody in this terminal. "
        "Ask alice to add it."
    )


def test_a_rule_that_let_the_owner_in_goes_and_the_shell_with_it(alice: User, report: SessionReport) -> None:
    """Also for the guest, whose own address is still in a rule: it is her access."""
    accounts.remove_access_rule(Actor(alice), alice.access_rules.get(cidr="192.0.2.0/24"))
    verdict = look(report)
    assert verdict.end is not None
    assert (verdict.end.reason, verdict.show_rest) == ("cidr_denied", False)


def test_a_guest_alone_does_not_keep_what_the_owner_may_not_have(alice: User, report: SessionReport) -> None:
    alone = SessionReport(report.session_id, 0, 0, None, report.clients[1:])
    assert look(alone).end is None
    accounts.remove_access_rule(Actor(alice), alice.access_rules.get(cidr="192.0.2.0/24"))
    verdict = look(alone)
    assert verdict.end is not None
    assert verdict.end.reason == "cidr_denied"


def test_ssh_off_ends_it(alice: User, report: SessionReport) -> None:
    accounts.update_job_settings(Actor(alice), alice, ssh_access=False)
    verdict = look(report)
    assert verdict.end is not None
    assert (verdict.end.reason, verdict.show_rest) == ("ssh_access_off", False)


def test_ssh_off_is_told_to_a_guest_who_comes(
    alice: User, bob: User, session: TerminalSession, report: SessionReport
) -> None:
    accounts.update_job_settings(Actor(alice), alice, ssh_access=False)
    refusal = session_store.admit(session, bob, HIS, "page")
    assert refusal == End("ssh_access_off", "alice has switched SSH access off.")


@pytest.mark.parametrize(("who", "ends"), [("alice", True), ("bob", False)])
def test_a_person_is_deactivated(alice: User, bob: User, report: SessionReport, who: str, ends: bool) -> None:
    User.objects.filter(username=who).update(is_active=False)
    verdict = look(report)
    assert (verdict.end is not None) is ends
    if not ends:
        ((key, why),) = verdict.expelled
        assert (key, why.reason) == (2, "share_revoked")


def test_the_token_somebody_came_with_is_revoked(bob: User, report: SessionReport) -> None:
    bob.api_tokens.all().delete()
    ((key, why),) = look(report).expelled
    assert (key, why.reason) == (2, "not_signed_in")


@pytest.mark.parametrize("state", [Observed.RELEASING, Observed.RELEASED])
def test_a_cluster_that_ends_lets_those_who_are_in_see_it_end(
    cluster: Cluster, report: SessionReport, state: Observed
) -> None:
    """The node ends its own shells; the release step then ends the sessions that are still open."""
    Cluster.objects.update(observed_state=state)
    assert (look(report).end, look(report).expelled) == (None, ())
    session_actions.end_sessions(subject=session_subjects.subject_of(cluster.job), reason="node_gone")
    verdict = look(report)
    assert verdict.end is not None
    assert verdict.end.reason == "node_gone"


def test_nobody_comes_in_where_the_cluster_ended(
    bob: User, session: TerminalSession, report: SessionReport
) -> None:
    Cluster.objects.update(observed_state=Observed.RELEASED)
    refusal = session_store.admit(session, bob, HIS, "page")
    assert isinstance(refusal, End)
    assert refusal.reason == "cluster_gone"


def test_a_share_of_another_terminal_opens_no_other_door(
    alice: User, bob: User, charlie: User, session: TerminalSession, report: SessionReport
) -> None:
    other = TerminalSessionFactory(owner=alice, subject=session.subject)
    assert terminal_authorization.participant_for(other, bob) is None
    assert session_store.find(other.pk, bob) is None
    assert session_store.find(session.pk, bob) == session
    assert session_store.find(session.pk, charlie) is None


def test_a_core_types_rule_reaches_the_session(alice: User, cluster: Cluster) -> None:
    from_node = node_access.terminal_target(alice, cluster.job, "head", HERS)
    assert from_node.core_type == cluster.job.core_type_id
