"""Which processes make an embedded portal, and what each is told."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.options import Options
from portal.embedded.supervisor import Process

# What programs need of the person's environment; the simulator gets this and nothing of the portal.
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


@dataclass(frozen=True)
class Plan:
    """Everything known before the first process starts."""

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
        """Whether we start Redis; a REDIS_URL names one that runs already."""
        return not self.environ.get("REDIS_URL")


def _plain(plan: Plan) -> dict[str, str]:
    return {name: plan.environ[name] for name in PLAIN if name in plan.environ} | {"PYTHONUNBUFFERED": "1"}


def portal_environment(plan: Plan, single_person: bool = False) -> dict[str, str]:
    """What web, gateway, worker, beat and `prepare` are told."""
    options = plan.options
    told = dict(plan.environ)
    told.pop("HEADNODE_ADMIN_PASSWORD", None)  # for `prepare` only
    told.update(
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
    told.setdefault("HEADNODE_BROKER_URL", f"{options.url}context/v1/")
    if plan.own_redis:
        told["REDIS_URL"] = f"unix://{plan.redis_socket}"
    if single_person:
        told["HEADNODE_SINGLE_PERSON"] = "1"
    return told


def redis(plan: Plan, server: str) -> Process:
    """Our own Redis: on a unix socket only, every write on disk within a second."""
    folder = plan.options.var / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    command = [server, "--port", "0", "--unixsocket", str(plan.redis_socket), "--unixsocketperm", "700"]
    command += ["--dir", str(folder), "--appendonly", "yes", "--save", "", "--daemonize", "no"]
    command += ["--loglevel", "warning"]
    return Process("redis", command, _plain(plan), before_start=_without(plan.redis_socket))


def simulator(plan: Plan) -> Process:
    """The cloud that does not exist. It is told nothing of the portal but a token."""
    told = _plain(plan)
    told |= {name: value for name, value in plan.environ.items() if name.startswith("HEADNODE_SIMULATOR_")}
    told.update(
        HEADNODE_SIMULATOR_LISTEN=f"unix:{plan.simulator_socket}",
        HEADNODE_SIMULATOR_VAR=str(plan.options.var / "simulator"),
        HEADNODE_SIMULATOR_TOKEN_FILE=str(plan.token_file),
    )
    command = [sys.executable, "-m", "jobs.simulator"]
    return Process("simulator", command, told, before_start=_without(plan.simulator_socket))


def prepare(plan: Plan) -> Process:
    """Migrations and the first administrator; ends by itself."""
    told = portal_environment(plan)
    if password := plan.environ.get("HEADNODE_ADMIN_PASSWORD"):
        told["HEADNODE_ADMIN_PASSWORD"] = password
    return Process("prepare", [sys.executable, "-m", "portal.embedded.prepare"], told)


def web(plan: Plan, listener: int, single_person: bool) -> Process:
    """Pages, API, websockets of jobs, the broker."""
    command = [sys.executable, "-m", "portal.web", str(listener)]
    return Process("web", command, portal_environment(plan, single_person), pass_fds=(listener,))


def gateway(plan: Plan) -> Process:
    """The shells of terminals: apart from web, so that they outlive it."""
    told = portal_environment(plan) | {"HEADNODE_GATEWAY_NAME": GATEWAY}
    command = [sys.executable, "-m", "portal.gateway"]
    return Process("gateway", command, told, before_start=_without(plan.gateway_socket))


def worker(plan: Plan, single_person: bool) -> Process:
    """The Celery worker; tasks wait for other machines, so threads do."""
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
        "8",
    ]
    command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    told = portal_environment(plan, single_person)
    # Celery warns root; a demo on one's own machine may run as root.
    told["PYTHONWARNINGS"] = "ignore::UserWarning:celery.platforms"
    # Tasks are idempotent passes: what is cut off is found again by the sweep.
    return Process("worker", command, told, stop_seconds=3)


def beat(plan: Plan, single_person: bool) -> Process:
    """The Celery scheduler."""
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


class _without:  # noqa: N801 (reads as a word)
    """Before a start: a socket left by a process that was killed must not look like a running one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> None:
        self.path.unlink(missing_ok=True)
