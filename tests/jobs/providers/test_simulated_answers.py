"""What the simulator answers is read whole, or refused: no cluster is left out in silence."""

from typing import Any

import pytest

from jobs.providers import simulated_answers
from jobs.providers.base import UnreadableAnswer, UnreadableList

NODE = {"name": "head", "core_type": "emerald", "cores": 2, "state": "running", "reason": ""}


def entry(cluster_id: str, **changes: Any) -> dict[str, Any]:
    whole = {"id": cluster_id, "mark": "ours", "ordered_at": "2026-01-02T03:04:05+00:00", "nodes": [NODE]}
    return {**whole, **changes}


def test_a_whole_list_is_read() -> None:
    [first, second] = simulated_answers.read_clusters(
        {"clusters": [entry("One"), entry("Two", mark="theirs")]}
    )
    assert (first.cluster_id, first.portal_id, first.state) == ("One", "ours", {"id": "One"})
    assert first.ordered_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert first.nodes[0].cores == 2
    assert second.portal_id == "theirs"


def test_clusters_that_no_portal_ordered_are_no_business_of_ours() -> None:
    assert simulated_answers.read_clusters({"clusters": [entry("One", mark="", nodes="what?")]}) == []


@pytest.mark.parametrize(
    "broken",
    [
        entry("Bad", nodes=[{name: value for name, value in NODE.items() if name != "cores"}]),
        entry("Bad", ordered_at="yesterday"),
        entry("Bad", nodes=None),
        {"id": "Bad"},
        "Bad",
        None,
    ],
)
def test_one_cluster_that_cannot_be_read_hides_no_other_and_is_not_hidden(broken: Any) -> None:
    with pytest.raises(
        UnreadableList, match="1 of 3 clusters in the simulator's list cannot be read"
    ) as unreadable:
        simulated_answers.read_clusters({"clusters": [entry("One"), broken, entry("Two")]})
    assert [found.cluster_id for found in unreadable.value.readable] == ["One", "Two"]
    assert unreadable.value.retryable


@pytest.mark.parametrize("document", [{}, {"clusters": None}, {"clusters": {}}])
def test_an_answer_without_a_list_is_not_an_empty_list(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableList):
        simulated_answers.read_clusters(document)


@pytest.mark.parametrize("cluster", [{}, {"nodes": None}, {"nodes": [{"name": "head"}]}, {"nodes": ["head"]}])
def test_nodes_that_cannot_be_read_are_no_missing_nodes(cluster: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer):
        simulated_answers.read_nodes(cluster)
