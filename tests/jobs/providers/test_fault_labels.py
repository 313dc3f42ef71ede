"""Every fault has a title and a description, and the extent of an active one is described."""

import pytest

from jobs.providers.fault_injection import FaultKind, FaultRule, SecondsMeaning
from jobs.providers.fault_labels import LABELS, FaultName, label_of, rule_extent


def test_every_fault_has_a_title_and_a_description() -> None:
    assert set(LABELS) == set(FaultName)
    assert all(str(label.title) and str(label.text) for label in LABELS.values())


def test_an_unknown_fault_is_called_by_its_name() -> None:
    assert label_of("clock_skew").title == "Clock skew"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (SecondsMeaning.LONGER, "60 s longer"),
        (SecondsMeaning.AFTER, "after 60 s"),
        (SecondsMeaning.BACK, "60 s each"),
        (SecondsMeaning.LASTS, ""),
        ("of a newer simulator", ""),
    ],
)
def test_the_extent_of_a_fault(seconds: str, text: str) -> None:
    kind = FaultKind("slow_boot", "node", seconds, 60)
    assert rule_extent(kind, FaultRule("slow_boot", seconds=60)) == text


def test_a_fault_that_ends_by_itself_says_when() -> None:
    assert rule_extent(None, FaultRule("api_down", ends_in=0.2)) == "ends by itself in 1 s"
