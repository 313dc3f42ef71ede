"""Settings of the service itself: addresses, encryption, secrets, database, Redis and log."""

from pathlib import Path
from urllib.parse import quote

from portal.configuration.kinds import Choice, Folder, ListOf, Number, Secret, Switch, Text
from portal.configuration.network_kinds import (
    AllowedHost,
    DatabaseURL,
    Host,
    NetworkBlock,
    Origin,
    ServiceURL,
)
from portal.configuration.setting import Group, Setting, Values, no_values

ROOT = Path(__file__).resolve().parent.parent.parent.parent
INSECURE_SECRET_KEY = "headnode-insecure-key-for-tests-and-first-looks-only"  # noqa: S105 (refused outside a demo)
MAKE_A_SECRET = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(64))"'  # noqa: S105 (a command)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LOOPBACK = ["127.0.0.0/8", "::1/128"]


def _loopback_hosts(values: Values) -> list[str]:
    return ["127.0.0.1", "localhost", "[::1]"]


def _https(values: Values) -> bool:
    return bool(values["HEADNODE_HTTPS"])


ADDRESSES = Group(
    "Addresses",
    (
        Setting(
            "HEADNODE_HOST", Host(), "127.0.0.1", "The address to listen on. `0.0.0.0` is every address."
        ),
        Setting("HEADNODE_PORT", Number(1, 65535, 8000), 8000, "The port to listen on."),
        Setting(
            "HEADNODE_NAME",
            Text(
                "host name",
                r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*",
                "is not a name that host names can end in",
                "Use letters, digits, hyphens and dots, for example headnode.example.org.",
            ),
            "headnode.local",
            "The portal's name. It is part of each node's host certificate.",
        ),
        Setting(
            "HEADNODE_ALLOWED_HOSTS",
            ListOf(AllowedHost(), "hosts", "headnode.example.org"),
            _loopback_hosts,
            "The hosts that people may use in the portal's URL. Loopback names, HEADNODE_HOST and the host of "
            "HEADNODE_BROKER_URL are always allowed, because health checks and nodes use them.",
            default_shown="this machine",
        ),
        Setting(
            "HEADNODE_TRUSTED_ORIGINS",
            ListOf(Origin(), "origins", "https://headnode.example.org"),
            no_values,
            "Other origins that forms may come from, for example `https://headnode.example.org`.",
        ),
        Setting(
            "HEADNODE_TRUSTED_PROXIES",
            ListOf(NetworkBlock(may_be_everything=False), "networks", "10.0.0.5,10.1.0.0/16"),
            no_values,
            "The addresses of your proxies. Only their forwarding headers are believed.",
        ),
        Setting(
            "HEADNODE_METRICS_ADDRESSES",
            ListOf(NetworkBlock(), "networks", "10.0.0.0/8,192.0.2.7"),
            lambda values: list(_LOOPBACK),
            "The networks that may read `/metrics`. Empty: nobody.",
            default_shown="this machine",
            may_be_empty=True,
        ),
    ),
)

API = Group(
    "REST API",
    (
        Setting(
            "HEADNODE_TOKEN_MAX_DAYS",
            Number(0, 3650, 365),
            365,
            "How many days an API token may be good for; 90 unless its owner chooses. 0: any time, also for ever.",
        ),
        Setting(
            "HEADNODE_API_REQUESTS_PER_PERSON",
            Number(0, 10_000_000, 1500),
            1500,
            "How many requests one person may send to the API per minute; a fifth may come at once. 0: no limit.",
        ),
        Setting(
            "HEADNODE_API_REQUESTS_PER_ADDRESS",
            Number(0, 10_000_000, 6000),
            6000,
            "The same for one address, which several people may share, and for requests without a valid credential.",
        ),
    ),
)

ENCRYPTION = Group(
    "Encryption",
    (
        Setting(
            "HEADNODE_HTTPS",
            Switch(),
            False,
            "On behind a TLS proxy: secure cookies, redirect to https and HSTS. Needs HEADNODE_TRUSTED_PROXIES.",
        ),
        Setting(
            "HEADNODE_SSL_REDIRECT",
            Switch(),
            _https,
            "Redirect http to https. Health checks, metrics and the nodes' broker are exempt.",
            default_shown="as HEADNODE_HTTPS",
        ),
        Setting(
            "HEADNODE_HSTS_SECONDS",
            Number(0, 315_360_000),
            lambda values: 31_536_000 if values["HEADNODE_HTTPS"] else 0,
            "How long browsers remember to use https only. 0: they do not.",
            default_shown="31536000 with HEADNODE_HTTPS, else 0",
        ),
    ),
)

SECRETS = Group(
    "Secrets",
    (
        Setting(
            "HEADNODE_ADMIN_PASSWORD",
            Secret(10, "Choose a longer one, or leave it unset: one is made and shown once."),
            "",
            "The password of the first administrator, `admin`. It changes nothing once there is an administrator.",
            default_shown="made, shown once",
            is_secret=True,
        ),
        Setting(
            "HEADNODE_SECRET_KEY",
            Secret(32, MAKE_A_SECRET),
            INSECURE_SECRET_KEY,
            "Signs sessions and seals keys in the database. Only a demo starts without it.",
            default_shown="`make run`: made in `HEADNODE_VAR/secret-key`",
            is_secret=True,
        ),
        Setting(
            "HEADNODE_SECRET_KEY_FALLBACKS",
            ListOf(Secret(1, ""), "secrets", "", shows_items=False),
            no_values,
            "Earlier values of HEADNODE_SECRET_KEY, still accepted.",
            is_secret=True,
        ),
    ),
)

STORES = Group(
    "Data",
    (
        Setting(
            "HEADNODE_VAR",
            Folder(),
            ROOT / "var",
            "All state: database, keys, files, sockets and logs.",
            default_shown="`./var`",
        ),
        Setting(
            "DATABASE_URL",
            DatabaseURL(),
            lambda values: f"sqlite:///{quote(str(values['HEADNODE_VAR'] / 'db.sqlite3'))}",
            "The database, for example `postgres://headnode:password@db/headnode`.",
            default_shown="SQLite in HEADNODE_VAR",
            is_secret=True,
        ),
        Setting(
            "REDIS_URL",
            ServiceURL(
                ("redis", "rediss", "unix"),
                "redis://redis.example.org:6379 or unix:///run/redis.sock",
                may_have_path=False,
            ),
            lambda values: f"unix://{quote(str(values['HEADNODE_VAR'] / 'redis.sock'))}",
            "Redis, for example `redis://host:6379`. Its databases 0, 1 and 2 are used.",
            default_shown="`make run`: a Redis of its own",
            is_secret=True,
        ),
        Setting(
            "HEADNODE_STATIC_ROOT", Folder(), None, "The folder that `manage.py collectstatic` writes to."
        ),
    ),
)

LOG = Group(
    "Log",
    (
        Setting(
            "HEADNODE_LOG_LEVEL",
            Choice(LOG_LEVELS, ignores_case=True),
            "INFO",
            "The least level that is logged.",
        ),
    ),
)

PROCESSES = Group(
    "Set by `make run`",
    (
        Setting(
            "HEADNODE_DEMO",
            Switch(),
            False,
            "An instance of `make run`, or a test. Needs no HEADNODE_SECRET_KEY.",
        ),
        Setting(
            "HEADNODE_SINGLE_PERSON",
            Switch(),
            False,
            "On where nodes have no sandbox: no second account can be added.",
        ),
        Setting(
            "HEADNODE_DEBUG", Switch(), False, "Django's debug pages. Never on a portal that others use."
        ),
    ),
)
