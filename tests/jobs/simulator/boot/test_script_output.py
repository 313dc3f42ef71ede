"""A script's output never makes more lines than the broker accepts of a node."""

import asyncio

import pytest

from jobs.node_contract.boot_lines import MAX_LINES_PER_NODE
from jobs.node_contract.phases import Phase
from jobs.simulator.boot import script_output


async def test_a_script_that_prints_a_word_now_and_then_does_not_use_up_the_boot_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(script_output, "GATHER_SECONDS", 0)
    heard: list[str] = []
    output = script_output.ScriptOutput(heard.append)
    for number in range(5000):
        output.feed(f"{number}\n")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    output.finish()
    assert heard[0] == "0"
    assert heard[-1].endswith("\n4999")
    assert len(heard) * len(Phase) < MAX_LINES_PER_NODE
