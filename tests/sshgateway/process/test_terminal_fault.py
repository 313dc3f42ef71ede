"""A fault in the portal's own code, seen from the browser: one terminal ends and says so, the others go on."""

import pytest

from accounts.models import User
from sshgateway.process import gateway
from tests.sshgateway.conftest import Desk
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


class Faulty:
    """An observer with a fault in it."""

    def on_output(self, offset: int, data: bytes) -> None:
        raise AttributeError("a fault of ours")

    def on_resize(self, cols: int, rows: int) -> None: ...


async def test_a_fault_ends_its_own_terminal_and_no_other_on_the_connection(
    desk: Desk, node: Node, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = await desk.open(alice, node.target()), await desk.open(alice, node.target())
    async with desk.attach(bad, alice) as failing, desk.attach(good, alice) as other:
        await failing.until_ready()
        await other.until_ready()
        (held,) = [one._sessions[bad.pk] for one in gateway._gateways.values() if bad.pk in one._sessions]
        held.terminal._observers.append(Faulty())
        await failing.type("echo something\n")
        await failing.until_closed()
        assert failing.end is not None
        assert (failing.end.reason, failing.end.final) == ("shell_failed", True)
        await other.run("echo alive-$((1+1))", "alive-2")
    assert (await desk.row(bad)).end_reason == "shell_failed"
    assert "AttributeError: a fault of ours" in caplog.text
    assert node.log.count("Accepted publickey") == 1
