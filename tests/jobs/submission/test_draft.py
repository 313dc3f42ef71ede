"""Bad orders get a sentence each; good ones, however odd, pass untouched."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.submission.draft import JobDraft, Offer, find_problems, walltime_of

OFFER = Offer("Emerald", [1, 2, 4], max_slots=64, max_hours=48)
GOOD = JobDraft(
    name="cavity", command="./Allrun", core_type="emerald", cores_per_slot=2, slots=2, walltime_hours=1
)


def reasons(**change: Any) -> list[str]:
    return [problem.reason for problem in find_problems(replace(GOOD, **change), OFFER)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": ""}, "name_missing"),
        ({"name": "   "}, "name_missing"),
        ({"name": None}, "name_missing"),
        ({"name": "a\0b"}, "name_invalid"),
        ({"name": "x" * 201}, "name_invalid"),
        ({"command": ""}, "command_missing"),
        ({"command": "\n\t "}, "command_missing"),
        ({"command": 7}, "command_missing"),
        ({"command": "echo \0"}, "command_control_characters"),
        ({"command": "echo \x1b[0m"}, "command_control_characters"),
        ({"command": "echo \ud800"}, "command_control_characters"),
        ({"command": "x" * (256 * 1024 + 1)}, "command_too_long"),
        ({"cores_per_slot": 3}, "cores_not_offered"),
        ({"cores_per_slot": 0}, "cores_not_offered"),
        ({"cores_per_slot": True}, "cores_not_offered"),
        ({"cores_per_slot": "2"}, "cores_not_offered"),
        ({"slots": 0}, "slots_out_of_range"),
        ({"slots": 5000}, "slots_out_of_range"),
        ({"slots": -1}, "slots_out_of_range"),
        ({"slots": 1.5}, "slots_out_of_range"),
        ({"walltime_hours": -1}, "walltime_out_of_range"),
        ({"walltime_hours": 0}, "walltime_out_of_range"),
        ({"walltime_hours": 49}, "walltime_out_of_range"),
        ({"walltime_hours": float("nan")}, "walltime_out_of_range"),
        ({"walltime_hours": float("inf")}, "walltime_out_of_range"),
        ({"walltime_hours": "1"}, "walltime_out_of_range"),
        ({"env_vars": {"A B": "1"}}, "env_vars_invalid"),
        ({"env_vars": {"A": 1}}, "env_vars_invalid"),
        ({"env_vars": {"A": "\0"}}, "env_vars_invalid"),
        ({"env_vars": []}, "env_vars_invalid"),
    ],
)
def test_refused(change: dict[str, Any], reason: str) -> None:
    assert reasons(**change) == [reason]


def test_every_problem_is_told_at_once_with_its_field() -> None:
    found = find_problems(replace(GOOD, name="", slots=0, walltime_hours=-1), OFFER)
    assert [problem.field for problem in found] == ["name", "slots", "walltime"]
    assert all(problem.message.endswith(".") for problem in found)


@pytest.mark.parametrize(
    "command",
    ["echo 'it''s' \"quoted\" $HOME `id` \\", "a\nb\r\nc\t", "echo 日本語 ünïcödé 🚀", "x" * 100 * 1024],
)
def test_odd_but_good_commands_pass(command: str) -> None:
    assert reasons(command=command) == []


def test_no_walltime_means_the_longest() -> None:
    assert reasons(walltime_hours=None) == []
    assert walltime_of(replace(GOOD, walltime_hours=None), OFFER) == timedelta(hours=48)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@given(name=anything, command=anything, cores=anything, slots=anything, hours=anything, env=anything)
def test_garbage_is_refused_without_an_accident(
    name: Any, command: Any, cores: Any, slots: Any, hours: Any, env: Any
) -> None:
    draft = JobDraft(
        name=name,
        command=command,
        core_type="emerald",
        cores_per_slot=cores,
        slots=slots,
        walltime_hours=hours,
        env_vars=env,
    )
    for problem in find_problems(draft, OFFER):
        assert problem.reason
        assert problem.message
