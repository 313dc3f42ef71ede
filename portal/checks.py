"""System checks of what the settings lead to: each says what is wrong and how to correct it.

Wrong values never get here: `portal.configuration` refuses them before Django starts.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import redis
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

REDIS_SECONDS = 2.0


def settings_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return a message for each setting that an operator should look at."""
    return [*_encryption(), *_redirect(), *_hosts(), *_redis()]


def report_at_start(stream: TextIO) -> bool:
    """Write what is wrong to `stream`, a sentence or two each. Return whether a process can start.

    It cannot without its database. It can without Redis, which may come later.
    """
    messages = settings_check(None)
    for message in messages:
        print(f"{message.msg} {message.hint} ({message.id})", file=stream)
    problem = database_problem() or _missing_tables()
    if problem:
        print(problem, file=stream)
    return not problem and not any(message.is_serious() for message in messages)


def database_problem() -> str:
    """Return a sentence if the database cannot be reached, else "". It does not repeat a password."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return f"The database of DATABASE_URL cannot be used ({reason}): start it or correct the address."
    return ""


def _missing_tables() -> str:
    if MigrationRecorder(connection).has_table():
        return ""
    return "The database of DATABASE_URL has no tables: run `python manage.py migrate`."


def _encryption() -> Iterator[CheckMessage]:
    if not (settings.DEMO or settings.HTTPS):
        yield checks.Warning(
            "HEADNODE_HTTPS is off: passwords and sessions travel unencrypted.",
            hint="Put a TLS proxy in front, name it in HEADNODE_TRUSTED_PROXIES and set HEADNODE_HTTPS=1.",
            id="portal.W001",
        )


def _redirect() -> Iterator[CheckMessage]:
    if settings.SECURE_SSL_REDIRECT and not settings.HEADNODE_TRUSTED_PROXIES:
        yield checks.Warning(
            "Pages redirect to https, but no proxy is trusted to say that a request came by https: "
            "every request is redirected without end.",
            hint="Name the TLS proxy in HEADNODE_TRUSTED_PROXIES.",
            id="portal.W004",
        )


def _hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS and not settings.DEMO:
        yield checks.Warning(
            "HEADNODE_ALLOWED_HOSTS allows every name.",
            hint="Name the hosts people use, for example headnode.example.org.",
            id="portal.W002",
        )


def _redis() -> Iterator[CheckMessage]:
    location = settings.CACHES["default"]["LOCATION"]
    try:
        with redis.Redis.from_url(
            location, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        yield checks.Info(
            f"No Redis answers at REDIS_URL ({error}): jobs do not move and pages do not update.",
            hint="Start it, or correct the address.",
            id="portal.I001",
        )
