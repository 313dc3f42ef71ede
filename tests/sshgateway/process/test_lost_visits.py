"""A visit whose end nobody could write down is closed by the gateway's next look at its rows."""

from datetime import timedelta

import pytest

from accounts.models import User
from sshgateway.models import TerminalVisit
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_visit_whose_end_was_lost_is_closed_by_the_next_look(
    desk: Desk, node: Node, alice: User, bob: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        lost = await TerminalVisit.objects.acreate(session=session, person=bob, role="guest")
        old = lost.came_at - timedelta(days=365)
        await TerminalVisit.objects.filter(pk=lost.pk).aupdate(came_at=old)

        async def closed() -> bool:
            return (await TerminalVisit.objects.aget(pk=lost.pk)).left_at is not None

        await until(closed, "the visit is closed")
