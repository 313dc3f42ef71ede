"""`python -m jobs.simulator`: the simulator's process."""

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
from jobs.simulator.sandbox.limits import raise_descriptors
from jobs.simulator.sandbox.protection import UNPROTECTED
from jobs.simulator.settings import Settings, WrongSetting, read
from jobs.simulator.store import InUse, Store

log = logging.getLogger("simulator")
LEAVE_SECONDS = 2.5


class Server(uvicorn.Server):
    """Leaves the signals to us: nodes must end in order before the loop does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def open_door(settings: Settings) -> socket.socket:
    """The API's listening socket. A unix socket is for this user only."""
    path = settings.socket_path
    if path is None:
        host, _, port = settings.listen.rpartition(":")
        return socket.create_server(
            (host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    # The state directory's lock is ours, so a socket that lies here is a dead one.
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


async def serve(settings: Settings) -> None:
    """Run until TERM or INT."""
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)
    cloud = Cloud(settings, Store(settings.var))
    await cloud.start()
    try:
        listener = open_door(settings)
    except OSError as error:
        await cloud.stop()
        raise WrongSetting(
            f"HEADNODE_SIMULATOR_LISTEN={settings.listen} cannot be used: {error.strerror}."
        ) from None
    config = uvicorn.Config(
        make_app(cloud, settings.token),
        log_config=None,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    mode = cloud.sandbox.mode
    log.info("listening on %s; nodes are protected by: %s", settings.listen, mode)
    for what in UNPROTECTED[mode]:
        log.warning("NOT protected from a node's programs: %s", what)
    leaving = asyncio.create_task(leave.wait())
    await asyncio.wait([leaving, serving], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await cloud.stop()
            await serving
    except TimeoutError:
        log.warning("some connections did not close in time")
    listener.close()
    if settings.socket_path is not None:
        settings.socket_path.unlink(missing_ok=True)


def main() -> int:
    """Read the settings and run; a setting that cannot be used is one sentence and exit status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("asyncssh", "httpx", "httpcore", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    raise_descriptors()
    try:
        asyncio.run(serve(read(dict(os.environ))))
    except (WrongSetting, InUse) as error:
        print(f"simulator: {error}", file=sys.stderr)  # noqa: T201 - the one sentence a person is to read
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
