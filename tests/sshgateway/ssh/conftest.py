"""A connection pool for each test that wants one."""

from collections.abc import AsyncIterator

import pytest

from tests.sshgateway.ssh.shells import Opener


@pytest.fixture
async def opener() -> AsyncIterator[Opener]:
    """Opens shells; its connections are closed at the end."""
    made = Opener()
    yield made
    await made.pool.shut_down()
