"""Channels to nodes are few, used again, and gone when nobody needs them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from accounts.refusals import Refused
from jobs.files import node_channels
from jobs.files.node_channels import CHANNELS_PER_NODE, NodeChannels
from jobs.remote import folder_refusals
from sshgateway.ssh.errors import ConnectionLost, Unreachable
from tests.waiting import wait_for


class FakeClient:
    """An SFTP client that is open until it is closed."""

    is_open = True


class FakeConnection:
    """A connection that counts its channels, as a node sees them."""

    def __init__(self) -> None:
        self.active, self.opened, self.open_now = True, 0, 0

    def close(self) -> None:
        self.active = False

    @contextmanager
    def sftp(self, timeout: float) -> Iterator[FakeClient]:
        if not self.active:
            raise ConnectionLost("It broke.")
        self.opened, self.open_now = self.opened + 1, self.open_now + 1
        client = FakeClient()
        try:
            yield client
        finally:
            client.is_open = False
            self.open_now -= 1


class Node:
    """Makes connections, and remembers them."""

    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []

    def connect(self) -> FakeConnection:
        self.connections.append(FakeConnection())
        return self.connections[-1]


@pytest.fixture
def node() -> Node:
    return Node()


def test_one_connection_and_one_channel_serve_one_after_the_other(node: Node) -> None:
    channels = NodeChannels()
    for _ in range(5):
        with channels.client("key", node.connect):  # type: ignore[arg-type]  # a fake
            pass
    assert [each.opened for each in node.connections] == [1]
    channels.close()
    assert not node.connections[0].active


def test_no_more_channels_than_allowed(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_channels, "WAIT_SECONDS", 0.01)
    channels = NodeChannels()
    with ExitStack() as held:
        for _ in range(CHANNELS_PER_NODE):
            held.enter_context(channels.client("key", node.connect))  # type: ignore[arg-type]
        with pytest.raises(Refused) as refused, channels.client("key", node.connect):  # type: ignore[arg-type]
            pass
        assert (refused.value.reason, refused.value.status) == ("node_busy", 429)
        with channels.client("another", node.connect):  # type: ignore[arg-type]
            pass
    assert node.connections[0].open_now == CHANNELS_PER_NODE  # kept for the next
    with channels.client("key", node.connect):  # type: ignore[arg-type]
        pass
    channels.close()


def test_a_channel_that_failed_is_not_used_again(node: Node) -> None:
    channels = NodeChannels()
    with pytest.raises(Refused), channels.client("key", node.connect):  # type: ignore[arg-type]
        raise folder_refusals.too_slow()
    assert node.connections[0].open_now == 0
    with pytest.raises(Refused), channels.client("key", node.connect):  # type: ignore[arg-type]
        raise folder_refusals.not_found()
    assert node.connections[0].open_now == 1
    channels.close()


def test_a_broken_connection_is_made_anew(node: Node) -> None:
    channels = NodeChannels()
    with channels.client("key", node.connect):  # type: ignore[arg-type]
        node.connections[0].active = False
    with channels.client("key", node.connect):  # type: ignore[arg-type]
        pass
    assert len(node.connections) == 2
    channels.close()


def test_an_old_connection_is_closed_when_its_last_download_ends(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = NodeChannels()
    with channels.client("key", node.connect):  # type: ignore[arg-type]
        monkeypatch.setattr(node_channels, "MOST_SECONDS", -1.0)
        with channels.client("key", node.connect):  # type: ignore[arg-type]
            assert [each.active for each in node.connections] == [True, True]
    assert not node.connections[0].active
    channels.close()


def test_an_idle_connection_is_closed(node: Node) -> None:
    channels = NodeChannels(idle_seconds=0.05)
    with channels.client("key", node.connect):  # type: ignore[arg-type]
        pass
    wait_for(lambda: not node.connections[0].active, "the idle connection is closed")


def test_a_node_that_is_away_is_a_refusal() -> None:
    def connect() -> FakeConnection:
        raise Unreachable("nobody@10.0.0.1:22 cannot be reached: refused.")

    with pytest.raises(Refused) as refused, NodeChannels().client("key", connect):  # type: ignore[arg-type]
        pass
    assert (refused.value.reason, refused.value.status) == ("node_unreachable", 503)
    assert "cannot be reached" in refused.value.message
