"""Run the simulator: `python -m jobs.simulator`."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from jobs.simulator.api import make_app
from jobs.simulator.cloud.cloud import Cloud
from jobs.simulator.sandbox.descriptors import raise_descriptor_limit
from jobs.simulator.settings import Settings, WrongSetting, read_settings
from jobs.simulator.store import InUse, Store

log = logging.getLogger("simulator")
STOP_SECONDS = 2.5
# Longer than clients keep an idle connection (httpx: 5 s): none sends a request on one that is just being closed.
KEEP_ALIVE_SECONDS = 30
BACKLOG = 128
NOISY_LOGGERS = ("asyncssh", "httpx", "httpcore", "uvicorn.error", "uvicorn.access")


class Server(uvicorn.Server):
    """A uvicorn that leaves signals alone: nodes must end in order before the loop does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def open_listener(settings: Settings) -> socket.socket:
    """Return the API's listening socket. Only this user can connect to a unix socket. Raises OSError."""
    path = settings.socket_path
    if path is None:
        host, _, port = settings.listen.rpartition(":")
        return socket.create_server(
            (host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    # This process has the state directory's lock, so an existing socket file is left over from a dead one.
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener


async def serve(settings: Settings, lifeline: int | None) -> None:
    """Run until TERM or INT, or until the lifeline closes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        os.set_inheritable(lifeline, False)
        loop.add_reader(lifeline, stop.set)
    cloud = Cloud(settings, Store(settings.var), lifeline)
    await cloud.start()
    try:
        listener = open_listener(settings)
    except OSError as error:
        await cloud.stop()
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_LISTEN={settings.listen} cannot be used: {error.strerror}."
        ) from None
    server = Server(
        uvicorn.Config(
            make_app(cloud, settings.token),
            log_config=None,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    log_protection(settings, cloud)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, serving], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await cloud.stop()
            await serving
    except TimeoutError:
        log.warning("some connections did not close in time")
    listener.close()
    if settings.socket_path is not None:
        settings.socket_path.unlink(missing_ok=True)


def log_protection(settings: Settings, cloud: Cloud) -> None:
    """Log where the API listens, and what the protection in force does not protect."""
    protection = cloud.services.sandbox.protection
    log.info("listening on %s; nodes are protected by: %s", settings.listen, protection)
    for what in cloud.health()["unprotected"]:
        log.warning("NOT protected from a node's programs: %s", what)


def main() -> int:
    """Read the settings and run. A setting that cannot be used is one sentence and exit status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in NOISY_LOGGERS:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(prog="python -m jobs.simulator", description="The simulated cloud.")
    parser.add_argument(
        "--lifeline", type=int, metavar="FD", help="a pipe: when its other end closes, everything ends"
    )
    arguments = parser.parse_args()
    raise_descriptor_limit()
    try:
        asyncio.run(serve(read_settings(dict(os.environ)), arguments.lifeline))
    except (WrongSetting, InUse) as error:
        print(f"simulator: {error}", file=sys.stderr)  # noqa: T201 - the one sentence that a person reads
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
