"""What belongs to a channel whose end was sent is not sent any more: OpenSSH would end the whole connection."""

from typing import Any

import paramiko
import pytest

from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh import transport
from sshgateway.ssh.closed_channels import CLOSE, OF_A_CHANNEL, ClosedChannels
from tests.sshgateway.sshd import Node
from tests.waiting import LIMIT, wait_for

END_OF_FILE = 96


def message(kind: int, number: int) -> bytes:
    return bytes((kind,)) + number.to_bytes(4, "big")


@pytest.mark.parametrize("kind", sorted(OF_A_CHANNEL))
def test_nothing_follows_the_end_of_a_channel_until_its_number_is_used_again(kind: int) -> None:
    sent: list[bytes] = []
    channels = ClosedChannels()

    def send(data: bytes) -> None:
        channels.send(data, lambda: sent.append(data))

    for data in (message(kind, 3), message(CLOSE, 3), message(kind, 3), message(CLOSE, 3), message(kind, 4)):
        send(data)
    assert sent == [message(kind, 3), message(CLOSE, 3), message(kind, 4)]
    channels.opened(3)
    send(message(kind, 3))
    assert sent[-1] == message(kind, 3)


def test_what_is_no_channels_is_always_sent() -> None:
    sent: list[bytes] = []
    channels = ClosedChannels()
    channels.send(message(CLOSE, 20), lambda: sent.append(b"close"))
    for kind in (2, 20, 80, 90):
        channels.send(message(kind, 20), lambda: sent.append(b"other"))
    assert sent == [b"close"] + [b"other"] * 4


def test_an_end_of_input_that_comes_late_ends_no_other_command(node: Node) -> None:
    """As when a thread is stopped between deciding to send it and sending it, and the node closes the channel."""
    target = node.target()
    credential = issue_credential(target.principal, for_whom="a test")
    with transport.connect(target, credential=credential, timeout=LIMIT) as connection:
        inner: Any = connection._transport
        other, channel = inner.open_session(), inner.open_session()
        late = paramiko.Message()
        late.add_byte(bytes((END_OF_FILE,)))
        late.add_int(channel.remote_chanid)
        channel.exec_command("true")
        wait_for(lambda: channel.closed, "the node closes the channel")
        other.exec_command("true")  # the node answers this one after it has read our end of the channel
        inner._send_user_message(late)
        assert connection.run("echo still there", timeout=LIMIT).stdout == b"still there\n"
