"""A terminal's socket closes when what it was opened with is revoked; the shell waits for its person."""

import hashlib

import pytest
from asgiref.sync import sync_to_async

from accounts import services as accounts
from accounts.audit.trail import Actor
from accounts.models import APIToken, User
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


def _revoke(user: User, secret: str) -> None:
    token = APIToken.objects.get(digest=hashlib.sha256(secret.encode()).hexdigest())
    accounts.end_api_token(Actor(user), token)


async def test_a_revoked_token_closes_its_sockets_only(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    revoked = desk.tokens.pop(alice.pk)
    await sync_to_async(desk.token)(alice)
    async with desk.attach(session, alice) as other:
        await other.until_ready()
        kept, desk.tokens[alice.pk] = desk.tokens[alice.pk], revoked
        async with desk.attach(session, alice) as client:
            await client.until_ready()
            await sync_to_async(_revoke)(alice, revoked)
            await client.until_closed()
        assert (client.close_code, client.close_reason) == (4401, "not_signed_in")
        assert client.end is not None
        assert (client.end.reason, client.end.final) == ("not_signed_in", False)
        await other.run("echo still-$((1+1))", "still-2")
        await sync_to_async(_revoke)(alice, kept)
        await other.until_closed()
    assert (await desk.row(session)).ended_at is None, "whoever signs in again finds the shell"
