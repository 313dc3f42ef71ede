"""Who may be in a terminal: the check of the subject's kind decides alone, and a subject without one is refused."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession, TerminalShare
from sshgateway.terminals.roles import Role
from tests.factories import TerminalSessionFactory, public_key

pytestmark = pytest.mark.django_db
HERE = "127.0.0.1"
HOST_KEY = public_key()
DENIED = Refused("cidr_denied", "Your address is in no access rule.", status=403)

# Neither "job" nor "machine" before exactly one colon, with something after it.
BAD_SUBJECTS = [
    "",
    ":",
    "job",
    "job:",
    ":Ab12cd",
    "JOB:Ab12cd",
    "Job:Ab12cd",
    " job:Ab12cd",
    "job :Ab12cd",
    "job:Ab12cd:x",
    "job::Ab12cd",
    "machine:",
    "machine:1:2",
    "workspace:1",
]


class RecordingCheck:
    """A check that notes whom it was asked about, and refuses when told to."""

    def __init__(self, refusal: Refused | None = None) -> None:
        self.refusal = refusal
        self.calls: list[tuple[str, str, str]] = []

    def __call__(self, session: TerminalSession, owner: User, source_address: str) -> None:
        self.calls.append((session.subject, owner.get_username(), source_address))
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`terminal_authorization.register`, with none of the portal's own checks beside it."""
    monkeypatch.setattr(terminal_authorization, "_checks", {})
    return terminal_authorization.register


def session_of(owner: User, subject: str) -> TerminalSession:
    made: TerminalSession = TerminalSessionFactory.create(owner=owner, subject=subject, host_keys=[HOST_KEY])
    return made


def refusal_of(session: TerminalSession, user: User | AnonymousUser, address: str = HERE) -> Refused:
    with pytest.raises(Refused) as caught:
        terminal_authorization.authorize(session, user, address)
    return caught.value


@pytest.mark.parametrize("subject", BAD_SUBJECTS)
def test_a_subject_of_no_known_kind_is_refused_by_the_portal_as_it_is(alice: User, subject: str) -> None:
    refusal = refusal_of(session_of(alice, subject), alice)
    assert (refusal.reason, refusal.status) == ("unknown_subject", 403)
    assert refusal.message.endswith(".")


@pytest.mark.parametrize("subject", ["job:Zzzzzz", "machine:999999"])
def test_a_subject_that_names_nothing_is_refused(alice: User, subject: str) -> None:
    assert refusal_of(session_of(alice, subject), alice).reason in ("not_found", "machine_removed")


@pytest.mark.parametrize("identifier", ["abc", "-1", "²", "1e3", "0x1", "9" * 70, " 1"])
def test_a_machine_without_a_row_number_is_refused(alice: User, identifier: str) -> None:
    assert refusal_of(session_of(alice, f"machine:{identifier}"), alice).reason == "machine_removed"


def test_only_the_check_of_the_kind_is_asked(register: Callable[..., None], alice: User) -> None:
    jobs, machines = RecordingCheck(), RecordingCheck(DENIED)
    register("job", jobs)
    register("machine", machines)
    participant = terminal_authorization.authorize(session_of(alice, "job:Ab12cd"), alice, HERE)
    assert (participant.role, participant.may_type) == (Role.OWNER, True)
    assert jobs.calls == [("job:Ab12cd", "alice", HERE)]
    assert machines.calls == []
    assert refusal_of(session_of(alice, "machine:1"), alice) is DENIED


def test_without_any_check_nobody_may_be_in(register: Callable[..., None], alice: User) -> None:
    assert refusal_of(session_of(alice, "job:Ab12cd"), alice).reason == "unknown_subject"


def test_a_check_that_was_unregistered_opens_nothing(register: Callable[..., None], alice: User) -> None:
    register("job", RecordingCheck())
    terminal_authorization.unregister("job")
    assert refusal_of(session_of(alice, "job:Ab12cd"), alice).reason == "unknown_subject"


def test_a_kind_has_one_check(register: Callable[..., None]) -> None:
    first = RecordingCheck()
    register("job", first)
    register("job", first)
    with pytest.raises(ValueError, match="job"):
        register("job", RecordingCheck())


@pytest.mark.parametrize("kind", ["", "Job", "job:", "a b"])
def test_a_kind_is_a_lower_case_word(register: Callable[..., None], kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        register(kind, RecordingCheck())


def test_the_owner_is_checked_as_they_are_signed_in(register: Callable[..., None], alice: User) -> None:
    """A token without administration must not reach a machine through a terminal that its owner opened there."""

    def check(session: TerminalSession, owner: User, source_address: str) -> None:
        if not is_administrator(owner):
            raise DENIED

    register("machine", check)
    User.objects.update(is_superuser=True)
    by_page, by_token = User.objects.get(), User.objects.get()
    by_token.without_administration = True
    session = session_of(by_page, "machine:1")
    with terminal_authorization.cached_decisions():
        assert terminal_authorization.authorize(session, by_page, HERE).role is Role.OWNER
        assert refusal_of(session, by_token) is DENIED


def test_a_guest_is_checked_as_the_owner_from_the_guests_address(
    register: Callable[..., None], alice: User, bob: User
) -> None:
    check = RecordingCheck()
    register("job", check)
    session = session_of(alice, "job:Ab12cd")
    TerminalShare.objects.create(session=session, person=bob, may_type=False)
    participant = terminal_authorization.authorize(session, bob, "192.0.2.9")
    assert (participant.role, participant.may_type) == (Role.GUEST, False)
    assert check.calls == [("job:Ab12cd", "alice", "192.0.2.9")]
    check.refusal = DENIED
    assert "alice's access rules" in refusal_of(session, bob, "192.0.2.9").message


def test_a_guest_of_a_session_of_no_known_kind_is_refused(alice: User, bob: User) -> None:
    session = session_of(alice, "workspace:1")
    TerminalShare.objects.create(session=session, person=bob, may_type=True)
    assert refusal_of(session, bob).reason == "unknown_subject"


def test_strangers_find_nothing(register: Callable[..., None], alice: User, bob: User) -> None:
    check = RecordingCheck()
    register("job", check)
    session = session_of(alice, "job:Ab12cd")
    for stranger in (bob, AnonymousUser()):
        refusal = refusal_of(session, stranger)
        assert (refusal.reason, refusal.status) == ("not_found", 404)
    assert check.calls == []


def test_decisions_are_cached_by_subject_address_and_owner(
    register: Callable[..., None], alice: User, bob: User
) -> None:
    check = RecordingCheck()
    register("job", check)
    sessions = [session_of(alice, "job:Ab12cd"), session_of(alice, "job:Ab12cd")]
    other, of_bob = session_of(alice, "job:Zz12cd"), session_of(bob, "job:Ab12cd")
    with terminal_authorization.cached_decisions():
        for session in sessions:
            terminal_authorization.authorize(session, alice, HERE)
        assert len(check.calls) == 1
        terminal_authorization.authorize(other, alice, HERE)
        terminal_authorization.authorize(of_bob, bob, HERE)
        terminal_authorization.authorize(sessions[0], alice, "192.0.2.9")
        assert len(check.calls) == 4
    terminal_authorization.authorize(sessions[0], alice, HERE)
    assert len(check.calls) == 5
