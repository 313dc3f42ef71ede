"""What users read when a job or a node cannot be reached."""

import pytest

from accounts.refusals import Refused
from jobs.access import refusals
from jobs.access.refusals import AccessRefusal

ALL = [
    (refusals.no_such_job(), "not_found", 404),
    (refusals.no_such_node(), "not_found", 404),
    (refusals.not_submitted(AccessRefusal.NO_CLUSTER, 404), "no_cluster", 404),
    (refusals.cluster_gone(), "cluster_gone", 409),
    (refusals.node_gone("compute-1", "stopped"), "node_gone", 409),
    (refusals.node_not_ready("compute-1"), "not_ready", 409),
    (refusals.ssh_access_off(), "ssh_access_off", 403),
    (refusals.address_unknown(), "cidr_denied", 403),
    (refusals.address_denied("192.0.2.7"), "cidr_denied", 403),
    (refusals.host_key_changed("compute-1"), "host_key_changed", 403),
]


@pytest.mark.parametrize(("refused", "reason", "status"), ALL)
def test_a_refusal_has_its_reason_a_status_and_a_sentence(refused: Refused, reason: str, status: int) -> None:
    assert (refused.reason, refused.status) == (reason, status)
    assert refused.message.endswith(".")


def test_a_sentence_names_the_node_or_the_address() -> None:
    assert "compute-1" in refusals.host_key_changed("compute-1").message
    assert "192.0.2.7" in refusals.address_denied("192.0.2.7").message


def test_every_reason_is_used_by_a_refusal_or_by_the_connect_guide() -> None:
    by_the_guide = {AccessRefusal.BAD_PORT, AccessRefusal.BAD_WAY}
    assert {reason for _, reason, _ in ALL} | by_the_guide == set(AccessRefusal)
