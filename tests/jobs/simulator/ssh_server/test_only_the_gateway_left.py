"""Addresses that only the gateway uses, with SSH switched off or the last rule removed, on running clusters."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import services as accounts
from accounts.models import User
from jobs.access import access_document
from jobs.models import Cluster as RunningCluster
from jobs.node_contract.access_document import read_access_document
from jobs.simulator.ssh_server.access_policy import AccessPolicy, Proof, ProofKind
from jobs.simulator.ssh_server.home_keys import HomeKeys
from jobs.states import Observed
from tests.jobs.making import actor, cluster_of
from tests.jobs.simulator.conftest import public
from tests.jobs.simulator.simulator_process import Cluster
from tests.jobs.simulator.ssh_server.test_access import certificate
from tests.waiting import LIMIT

GATEWAY = ["127.0.0.1"]


@pytest.fixture
def restored(cluster: Cluster) -> Iterator[Cluster]:
    """The shared cluster; its access document is restored afterwards."""
    yield cluster
    assert cluster.access().status_code == 200


def opened(cluster: Cluster, key: Path) -> subprocess.Popen[bytes]:
    """Return a running session that repeats what it reads."""
    command = cluster.command(key, "echo up; cat")
    command[command.index("LogLevel=ERROR")] = "LogLevel=INFO"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


def ended(process: subprocess.Popen[bytes]) -> bytes:
    """Wait until the node has ended the session, without closing its input, and return what ssh said."""
    process.wait(LIMIT)
    assert process.stderr is not None
    return process.stderr.read()


def echoes(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the session still works."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"still here\n")
    process.stdin.flush()
    return process.stdout.readline() == b"still here\n"


def test_a_key_session_ends_when_its_address_is_only_the_gateways_and_a_certificates_stays(
    restored: Cluster, keys: dict[str, Path], tmp_path: Path
) -> None:
    assert restored.access(gateway_addresses=GATEWAY).status_code == 200
    with (
        opened(restored, keys["alice"]) as by_key,
        opened(restored, certificate(keys, tmp_path, restored.user)) as by_certificate,
    ):
        assert restored.access(rules=[], gateway_addresses=GATEWAY).status_code == 200
        assert b"Your address 127.0.0.1 is in no access rule of this cluster" in ended(by_key)
        assert by_key.returncode == 255
        assert echoes(by_certificate)
        by_certificate.communicate(timeout=LIMIT)
    assert b"Permission denied" in restored.ssh(keys["alice"], "true").stderr


def content_of(running: RunningCluster) -> dict[str, Any]:
    """Return the portal's document as it would be pushed; the simulator's helper numbers it."""
    document = access_document.new_document(running)
    del document["version"]
    return document


@pytest.mark.django_db
def test_ssh_switched_off_in_the_portal_ends_a_live_session_on_a_running_cluster(
    alice: User, restored: Cluster, keys: dict[str, Path], settings: Any
) -> None:
    """The document is the portal's own, as it would be pushed."""
    settings.HEADNODE_GATEWAY_ADDRESSES = []
    who = actor(alice)
    accounts.add_ssh_key(who, alice, "laptop", public(keys["alice"]))
    accounts.add_access_rule(who, alice, "127.0.0.0/8")
    running, _ = cluster_of(alice, Observed.EXECUTING)
    assert restored.access(**content_of(running)).status_code == 200
    with opened(restored, keys["alice"]) as session:
        accounts.update_job_settings(who, alice, ssh_access=False)
        running.refresh_from_db()
        assert restored.access(**content_of(running)).status_code == 200
        assert b"SSH access to this cluster is switched off" in ended(session)
    assert b"SSH access to this cluster is switched off" in restored.ssh(keys["alice"], "true").stderr


def test_the_authoritys_own_key_logs_in_nowhere(restored: Cluster, keys: dict[str, Path]) -> None:
    """Whoever has an authority's key must make a certificate, which says for whom and until when."""
    assert b"Permission denied" in restored.ssh(keys["authority"], "true").stderr
    assert restored.access(rules=[], gateway_addresses=GATEWAY).status_code == 200
    assert b"Permission denied" in restored.ssh(keys["authority"], "true").stderr


def test_a_live_key_is_not_excused_by_being_an_authority(keys: dict[str, Path]) -> None:
    policy = AccessPolicy.from_document(
        read_access_document({"rules": ["192.0.2.0/24"], "user_authorities": [public(keys["authority"])]})
    )
    (blob,) = policy.authorities
    assert policy.why_revoked(Proof(ProofKind.KEY, blob, "SHA256:x"), "192.0.2.7", HomeKeys()) != ""
    assert policy.why_revoked(Proof(ProofKind.CERTIFICATE, blob, "SHA256:x"), "192.0.2.7", HomeKeys()) == ""
