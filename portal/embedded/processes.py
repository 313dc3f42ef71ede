"""The processes of an embedded portal: their commands and environments."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from portal.embedded.options import Options
from portal.embedded.supervisor import Process

# The variables that every program needs. Redis and the simulator get only these, and nothing about the portal.
PLAIN = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
)


# The one gateway of an embedded portal.
GATEWAY = "main"
# Where the simulated nodes reach the API, on their own loopback: nobody else is likely to listen there.
JOB_API_URL = "http://127.0.0.1:4780/"


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the first process starts.

    `environ` has no settings that `portal_environment` determines.
    """

    options: Options
    sockets: Path
    secret_key: str
    environ: Mapping[str, str]

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def simulator_socket(self) -> Path:
        return self.sockets / "simulator.sock"

    @property
    def gateway_socket(self) -> Path:
        return self.sockets / f"gateway-{GATEWAY}.sock"

    @property
    def token_file(self) -> Path:
        return self.options.var / "simulator-token"

    @property
    def own_redis(self) -> bool:
        """Return whether to start Redis. REDIS_URL names one that is already running."""
        return not self.environ.get("REDIS_URL", "").strip()


def _plain(plan: Plan) -> dict[str, str]:
    return {name: plan.environ[name] for name in PLAIN if name in plan.environ} | {"PYTHONUNBUFFERED": "1"}


def portal_environment(plan: Plan, single_person: bool = False) -> dict[str, str]:
    """Return the environment of web, gateway, worker, beat and `prepare`."""
    options = plan.options
    environment = dict(plan.environ)
    environment.pop("HEADNODE_ADMIN_PASSWORD", None)  # for `prepare` only
    environment.update(
        DJANGO_SETTINGS_MODULE="portal.settings",
        PYTHONUNBUFFERED="1",
        HEADNODE_DEMO="1",
        HEADNODE_HOST=options.host,
        HEADNODE_PORT=str(options.port),
        HEADNODE_VAR=str(options.var),
        HEADNODE_SECRET_KEY=plan.secret_key,
        HEADNODE_SIMULATOR_URL=f"unix:{plan.simulator_socket}",
        HEADNODE_SIMULATOR_TOKEN_FILE=str(plan.token_file),
        HEADNODE_GATEWAYS=GATEWAY,
        HEADNODE_GATEWAY_SOCKETS=str(plan.sockets),
    )
    environment.setdefault("HEADNODE_JOB_API_URL", JOB_API_URL)
    if plan.own_redis:
        environment["REDIS_URL"] = f"unix://{quote(str(plan.redis_socket))}"
    if single_person:
        environment["HEADNODE_SINGLE_PERSON"] = "1"
    return environment


def redis(plan: Plan, server: str) -> Process:
    """Return Redis, on a unix socket only, with every write on disk within a second."""
    folder = plan.options.var / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    command = [server, "--port", "0", "--unixsocket", str(plan.redis_socket), "--unixsocketperm", "700"]
    command += ["--dir", str(folder), "--appendonly", "yes", "--save", "", "--daemonize", "no"]
    command += ["--loglevel", "warning"]
    return Process("redis", command, _plain(plan), before_start=_remove(plan.redis_socket))


def simulator(plan: Plan, lifeline: int) -> Process:
    """Return the simulated cloud. It knows nothing of the portal except a token.

    `lifeline` is a pipe of this process: when it ends, the nodes end, which survive the simulator.
    """
    environment = _plain(plan)
    environment |= {
        name: value for name, value in plan.environ.items() if name.startswith("HEADNODE_SIMULATOR_")
    }
    environment.update(
        HEADNODE_SIMULATOR_LISTEN=f"unix:{plan.simulator_socket}",
        HEADNODE_SIMULATOR_VAR=str(plan.options.var / "simulator"),
        HEADNODE_SIMULATOR_TOKEN_FILE=str(plan.token_file),
    )
    command = [sys.executable, "-m", "jobs.simulator", "--lifeline", str(lifeline)]
    return Process(
        "simulator",
        command,
        environment,
        pass_fds=(lifeline,),
        before_start=_remove(plan.simulator_socket),
    )


def prepare(plan: Plan) -> Process:
    """Return the process that migrates the database and creates the first administrator."""
    environment = portal_environment(plan)
    if password := plan.environ.get("HEADNODE_ADMIN_PASSWORD"):
        environment["HEADNODE_ADMIN_PASSWORD"] = password
    return Process("prepare", [sys.executable, "-m", "portal.embedded.prepare"], environment)


def web(plan: Plan, listener: int, single_person: bool) -> Process:
    """Return the web process: pages, API, websockets of jobs, context broker."""
    command = [sys.executable, "-m", "portal.web", str(listener)]
    return Process("web", command, portal_environment(plan, single_person), pass_fds=(listener,))


def gateway(plan: Plan) -> Process:
    """Return the gateway, which holds the shells of terminals. They survive a restart of web."""
    environment = portal_environment(plan) | {"HEADNODE_GATEWAY_NAME": GATEWAY}
    command = [sys.executable, "-m", "portal.gateway"]
    return Process("gateway", command, environment, before_start=_remove(plan.gateway_socket))


def worker(plan: Plan, single_person: bool) -> Process:
    """Return the Celery worker. It uses threads, because tasks mostly wait for other machines.

    What revokes access has two more of its own (`portal.access_consumer`).
    """
    command = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "portal",
        "worker",
        "-P",
        "threads",
        "-c",
        "12",
    ]
    command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    environment = portal_environment(plan, single_person)
    # Celery warns when it runs as root, which a demo on one's own machine may do.
    environment["PYTHONWARNINGS"] = "ignore::UserWarning:celery.platforms"
    # Tasks are idempotent: the sweep starts an interrupted one again.
    return Process("worker", command, environment, stop_seconds=3)


def beat(plan: Plan, single_person: bool) -> Process:
    """Return the Celery scheduler."""
    schedule = str(plan.options.var / "beat-schedule")
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "portal",
        "beat",
        "--schedule",
        schedule,
        "--pidfile",
        "",
    ]
    return Process("beat", command, portal_environment(plan, single_person), stop_seconds=2)


def _remove(socket: Path) -> Callable[[], None]:
    """Return a function that deletes a socket, so that one left by a killed process does not look like a live one."""
    return partial(socket.unlink, missing_ok=True)
