"""A client that keeps a connection for its next request never meets one that the simulator is just closing."""

import httpx
from httpcore import ConnectionPool

from jobs.simulator.__main__ import KEEP_ALIVE_SECONDS


def test_the_simulator_keeps_a_connection_longer_than_its_clients() -> None:
    with httpx.HTTPTransport() as transport:
        pool = transport._pool
        assert isinstance(pool, ConnectionPool)
        assert pool._keepalive_expiry is not None
        assert pool._keepalive_expiry * 2 < KEEP_ALIVE_SECONDS
