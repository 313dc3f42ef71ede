"""Why a node failed is said in words: every reason that the simulator knows has a phrase."""

import pytest

from jobs.providers import node_failures, simulated_answers
from jobs.simulator.boot.node_record import FailureReason


@pytest.mark.parametrize("reason", list(FailureReason))
def test_each_reason_of_the_simulator_has_a_phrase(reason: FailureReason) -> None:
    phrase = node_failures.phrase(reason)
    assert "_" not in phrase and " " in phrase and not phrase.endswith(".")


def test_another_text_stays_as_it_is() -> None:
    assert node_failures.phrase("its image is broken") == "its image is broken"
    assert node_failures.phrase("") == ""


def test_an_observed_node_has_the_phrase() -> None:
    answer = {
        "nodes": [
            {"name": "head", "state": "failed", "reason": "node_died"},
            {"name": "a", "state": "running"},
        ]
    }
    nodes = simulated_answers.read_nodes(answer)
    assert (nodes["head"].reason, nodes["a"].reason) == ("it lost power", "")
