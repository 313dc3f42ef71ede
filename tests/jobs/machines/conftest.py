"""Machines that are real sshds, and a gateway with the access checks that the portal registers itself."""

import getpass
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Machine
from tests.factories import AccessRuleFactory, MachineFactory
from tests.sshgateway import sshd
from tests.sshgateway.conftest import Desk, Server, make_node, node

__all__ = ["make_node", "node"]


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    """A running gateway."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def desk(server: Server) -> Desk:
    """Opens sessions and attaches clients."""
    return Desk(server)


@pytest.fixture
def register(alice: User) -> Callable[..., Machine]:
    """`register(node, people=[...])` makes the machine row of a running sshd; alice's rules allow this computer."""
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")

    def make(node: sshd.Node, **fields: Any) -> Machine:
        usual = {
            "name": "Login node",
            "host": "127.0.0.1",
            "port": node.port,
            "username": getpass.getuser(),
            "host_keys": [node.host_key],
        }
        return MachineFactory.create(**usual | fields)

    return make
