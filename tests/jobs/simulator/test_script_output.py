"""What is kept of a script's output: never more lines than the broker takes of a node."""

import asyncio

import pytest

from jobs.context import stream
from jobs.context.plan import Phase
from jobs.simulator.boot import scripts


async def test_a_script_that_prints_a_word_now_and_then_does_not_use_up_the_boot_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scripts, "GATHER_SECONDS", 0)
    heard: list[str] = []
    output = scripts.Output(heard.append)
    for number in range(5000):
        output.feed(f"{number}\n")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    output.finish()
    assert heard[0] == "0"
    assert heard[-1].endswith("\n4999")
    assert len(heard) * len(Phase) < stream.MOST_KEPT
