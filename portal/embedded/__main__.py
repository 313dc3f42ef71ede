"""`python -m portal.embedded`: check the requirements, start the processes, supervise them, stop them."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from portal.embedded import instance, preflight, prepared, probes, processes, requested_settings
from portal.embedded.log import Log
from portal.embedded.options import ROOT, CannotStart, read_options
from portal.embedded.processes import Plan
from portal.embedded.supervisor import Process, Supervisor, describe

# Before the portal is ready: a process that was started this often will not recover.
TRIES_BEFORE_READY = 6
WARNINGS = {
    "none": (
        "Warning: no sandbox is available (bubblewrap is not installed or not permitted), so anyone who logs in to a "
        "simulated node can do everything that this user can: read the portal's database, keys and files, and reach "
        "this machine's network. Headnode therefore runs for one user only, and no second account can be added. To "
        "change that, install bubblewrap and start again."
    ),
    "uid": (
        "Note: bubblewrap is not available, so simulated nodes run as separate users but share this machine's "
        "network. What else they share is in the log, after “NOT protected”."
    ),
}


async def serve(plan: Plan, listener: socket.socket, redis_server: str, log: Log) -> int:
    """Start everything and keep it running until a signal arrives. Return the exit status."""
    supervisor = Supervisor(log, plan.options.var)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(_start(plan, listener, redis_server, supervisor, log))
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([work, asked], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            work.result()  # raises the error, if any
            await asked
        log.line("headnode", "stopping")
        return 0
    finally:
        for task in (work, asked):
            task.cancel()
            with suppress(asyncio.CancelledError, CannotStart):
                await task
        await supervisor.stop(last="redis")


async def _start(
    plan: Plan, listener: socket.socket, redis_server: str, supervisor: Supervisor, log: Log
) -> None:
    """Start everything, and return when users can sign in. Raise CannotStart if a process keeps failing."""
    starting = asyncio.create_task(_until_usable(plan, listener, redis_server, supervisor, log))
    failing = asyncio.create_task(supervisor.wait_for_starts(TRIES_BEFORE_READY))
    try:
        await asyncio.wait([starting, failing], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            raise CannotStart(
                f"Headnode cannot start: its process {failing.result()} ended {TRIES_BEFORE_READY - 1} times; "
                f"the reason is above and in {log.path}."
            )
        starting.result()
    finally:
        for task in (starting, failing):
            task.cancel()
            with suppress(asyncio.CancelledError, CannotStart):
                await task


async def _until_usable(
    plan: Plan, listener: socket.socket, redis_server: str, supervisor: Supervisor, log: Log
) -> None:
    # Nobody writes to it: it closes when this process ends, however that happens.
    lifeline, _ = os.pipe()
    supervisor.start(processes.simulator(plan, lifeline))
    if plan.own_redis:
        supervisor.start(processes.redis(plan, redis_server))
        await probes.until_accepting(plan.redis_socket)
    if plan.environ.get("DATABASE_URL", "").strip() or not prepared.is_prepared(plan.options.var):
        # Its standard output may contain the first administrator's password: for the terminal, never for the log.
        status = await supervisor.run_once(processes.prepare(plan), on_output=log.say)
        if status:
            raise CannotStart(
                f"Headnode cannot start: the database could not be prepared ({describe(status)}); "
                f"the reason is above and in {log.path}."
            )
        prepared.mark_prepared(plan.options.var)
    supervisor.start(processes.gateway(plan))
    # The simulator reports its sandbox a moment after the start. Until then, assume the one of the last start.
    assumed = _last_sandbox(plan)
    for process in _portal_processes(plan, listener, assumed):
        supervisor.start(process)
    sandbox = str((await probes.simulator_health(plan.simulator_socket)).get("sandbox"))
    if (sandbox == "none") != (assumed == "none"):
        for process in _portal_processes(plan, listener, sandbox):
            await supervisor.change(process.name, process.environment)
    (plan.options.var / "sandbox").write_text(sandbox + "\n", encoding="ascii")
    await probes.until_usable(plan.options, partial(log.line, "headnode"))
    await probes.until_accepting(plan.gateway_socket)
    if sandbox in WARNINGS:
        log.line("headnode", WARNINGS[sandbox])
    log.say(f"Headnode is ready at {plan.options.url}")


def _portal_processes(plan: Plan, listener: socket.socket, sandbox: str) -> list[Process]:
    single = sandbox == "none"
    return [
        processes.web(plan, listener.fileno(), single),
        processes.worker(plan, single),
        processes.beat(plan, single),
    ]


def _last_sandbox(plan: Plan) -> str:
    try:
        return (plan.options.var / "sandbox").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _redis_server(environ: Mapping[str, str]) -> str:
    """Return the path of the Redis server to start; empty if REDIS_URL names one. Raise CannotStart for neither."""
    url = environ.get("REDIS_URL", "").strip()
    if not url:
        return preflight.find_redis()
    preflight.check_redis(url)
    return ""


def main() -> int:
    """Check everything, then `serve`. A failure is one sentence on standard error. Return the exit status."""
    os.umask(0o077)
    folder = None
    try:
        environ = requested_settings.without_determined(os.environ)
        values = requested_settings.read_settings(os.environ)
        options = read_options(values)
        preflight.make_var(options)
        with preflight.claim_var(options), preflight.listen(options) as listener:
            redis_server = _redis_server(environ)
            folder = preflight.socket_folder(options, os.environ.get("XDG_RUNTIME_DIR"))
            preflight.read_or_create_secret(options.var / "simulator-token")
            secret_key = environ.get("HEADNODE_SECRET_KEY", "")
            if not secret_key.strip():
                secret_key = preflight.read_or_create_secret(options.var / "secret-key")
            plan = Plan(options, folder, secret_key, environ)
            portal_environment = processes.portal_environment(plan)
            instance.remember(options.var, portal_environment)
            log = Log(options.var / "logs" / "headnode.log")
            for notice in requested_settings.notices(os.environ, portal_environment, values):
                log.line("headnode", notice)
            os.chdir(ROOT)
            try:
                return asyncio.run(serve(plan, listener, redis_server, log))
            finally:
                log.close()
                if folder != options.var:
                    shutil.rmtree(folder, ignore_errors=True)
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
