"""Run a script on a node, bounded in time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.simulator.boot.script_output import OutputHandler, OutputReader, ScriptOutput
from jobs.simulator.sandbox.agent_client import AgentClient, AgentError, Program
from jobs.simulator.sandbox.fd_channel import ChannelClosed

KILL_AFTER_SECONDS = 2.0
LAST_OUTPUT_SECONDS = 1.0


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended. `status` is its exit status (negative: the signal), or None if its time was over."""

    status: int | None
    last_line: str


async def run_script(
    agent: AgentClient,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    seconds: float,
    on_output: OutputHandler,
) -> ScriptResult:
    """Run a program to its end; end it after so many seconds.

    Raises AgentError if it cannot be started, ChannelClosed if the node is gone.
    """
    program = await agent.spawn(argv[0], argv, env, cwd, None)
    output = ScriptOutput(on_output)
    reader = OutputReader(program.descriptors, output)
    try:
        done, _ = await asyncio.wait([program.ended], timeout=seconds)
        if not done:
            await _end(agent, program)
        # What it left running may keep its output open; that is not waited for.
        await asyncio.wait([reader.closed], timeout=LAST_OUTPUT_SECONDS)
    finally:
        reader.close()
        output.finish()
    return ScriptResult(program.ended.result()[0] if done else None, output.last_line)


async def _end(agent: AgentClient, program: Program) -> None:
    for name in ("TERM", "KILL"):
        try:
            await agent.signal(program, name)
        except (AgentError, ChannelClosed):
            return
        done, _ = await asyncio.wait([program.ended], timeout=KILL_AFTER_SECONDS)
        if done:
            return
