"""While Redis is unreachable, changes are saved and reported as saved."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from sshgateway.sessions import session_actions
from tests.api import client_of
from tests.factories import TerminalSessionFactory, public_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_redis(settings: Settings, tmp_path: Path) -> None:
    """A channel layer whose Redis is unreachable."""
    layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
    hosts = [f"unix://{tmp_path}/nobody.sock"]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": layer, "CONFIG": {"hosts": hosts}}}


def test_a_key_is_saved(alice: User, no_redis: None) -> None:
    TerminalSessionFactory.create(owner=alice)
    answer = client_of(alice).post("/api/v2/users/me/ssh-keys/", {"publicKey": public_key()}, format="json")
    assert answer.status_code == 201
    assert alice.ssh_keys.count() == 1


def test_a_terminal_is_asked_to_end(alice: User, no_redis: None) -> None:
    session = TerminalSessionFactory.create(owner=alice)
    session_actions.end_session(session)
    session.refresh_from_db()
    assert session.end_reason == "closed_by_owner"
