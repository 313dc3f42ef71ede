"""A shell that does not come about: the reason on the socket and in the row, nothing sent to a stranger."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from sshgateway.certificates import authorities, credentials
from sshgateway.certificates.authorities import CLOCK_SKEW
from sshgateway.models import TerminalSession
from sshgateway.process import session_store
from sshgateway.ssh.credential import Credential
from sshgateway.ssh.targets import Target
from sshgateway.terminals.frames import Ended
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


async def _end(desk: Desk, alice: User, target: Target) -> Ended:
    session = await desk.open(alice, target)
    async with desk.attach(session, alice) as client:
        await client.until_closed()
    assert client.end is not None
    assert client.end.final
    row = await desk.row(session)
    assert row.end_reason == client.end.reason
    assert row.ended_at is not None
    return client.end


async def test_a_foreign_host_key(desk: Desk, make_node: Callable[..., Node], alice: User) -> None:
    ours, stranger = await sync_to_async(make_node)(), await sync_to_async(make_node)()
    end = await _end(desk, alice, stranger.target(host_keys=(ours.host_key,)))
    assert end.reason == "host_key_changed"
    assert "Accepted" not in stranger.log
    assert "publickey" not in stranger.log, "no credential may be shown to a stranger"


async def test_nobody_listens(desk: Desk, node: Node, alice: User) -> None:
    node.stop()
    end = await _end(desk, alice, node.target())
    assert end.reason == "unreachable"
    assert "refused" in end.message


async def test_an_expired_certificate(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expired(session: TerminalSession) -> Credential:
        return credentials.issue_credential(session.principal, for_whom="late", lifetime=-CLOCK_SKEW / 2)

    monkeypatch.setattr(session_store, "issue_credential_for", expired)
    end = await _end(desk, alice, node.target())
    assert end.reason == "credential_refused"
    assert "expired" in node.log.lower()


async def test_a_node_that_does_not_know_our_authority(
    desk: Desk, make_node: Callable[..., Node], alice: User
) -> None:
    other = authorities.new_key_fields()["public_key"]
    node = await sync_to_async(make_node)(authorities=[other])
    end = await _end(desk, alice, node.target())
    assert end.reason == "credential_refused"


async def test_a_principal_the_certificate_is_not_for(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        session_store,
        "issue_credential_for",
        lambda session: credentials.issue_credential("somebody_else", for_whom="x"),
    )
    end = await _end(desk, alice, node.target())
    assert end.reason == "credential_refused"
