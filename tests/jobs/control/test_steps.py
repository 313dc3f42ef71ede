"""Every step that can be decided can be carried out."""

from jobs.control.decisions import Step
from jobs.control.steps import STEP_FUNCTIONS


def test_every_step_has_a_function() -> None:
    assert set(STEP_FUNCTIONS) == set(Step)
