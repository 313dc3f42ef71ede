"""A program that does not end is told from its test: what it said, and what ran."""

import subprocess

import pytest

from tests.waiting import run_to_end, wait_for_end


def test_what_ends_is_returned() -> None:
    done = run_to_end(["sh", "-c", "cat; echo lost >&2; exit 3"], given="kept")
    assert (done.stdout, done.stderr, done.returncode) == ("kept", "lost\n", 3)


def test_what_hangs_says_where_and_leaves_nothing() -> None:
    """Also if it has ended itself, and a program that it left behind holds its output open."""
    with pytest.raises(AssertionError) as failed:
        run_to_end(["sh", "-c", "echo begun; sleep 98765 & sleep 98764 & exit 0"], limit=1)
    sentence = str(failed.value)
    assert "begun" in sentence
    assert "sleep 98765" in sentence and "sleep 98764" in sentence.partition("Ran then:")[2]


def test_what_was_waited_for_in_vain_is_ended_and_said() -> None:
    process = subprocess.Popen(
        ["sh", "-c", "echo begun; exec sleep 98763"], stdout=subprocess.PIPE, text=True
    )
    with pytest.raises(AssertionError, match=r"its end\. So far: .begun"):
        wait_for_end(process, "its end", limit=1)
    assert process.poll() is not None
    assert process.stdout is not None and process.stdout.closed
