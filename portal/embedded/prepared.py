"""Check without Django whether the SQLite database is up to date, which saves seconds on every later start.

In doubt the answer is no, and `prepare` runs, which is safe to repeat.
"""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from portal.embedded.options import ROOT

OUR_APPS = ("accounts", "sshgateway", "jobs")


def _packages_digest() -> str:
    # Third-party apps have migrations, too. They change only with the pinned requirements.
    return hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()


def mark_prepared(var: Path) -> None:
    """Save for which versions of the packages the database was prepared."""
    (var / "prepared").write_text(_packages_digest() + "\n", encoding="ascii")


def is_prepared(var: Path) -> bool:
    """Return whether every migration has been applied and an administrator exists."""
    required = {
        (app, path.stem) for app in OUR_APPS for path in (ROOT / app / "migrations").glob("[0-9]*.py")
    }
    database = var / "db.sqlite3"
    try:
        if (var / "prepared").read_text(
            encoding="ascii"
        ).strip() != _packages_digest() or not database.exists():
            return False
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            applied = set(connection.execute("SELECT app, name FROM django_migrations"))
            administrators = connection.execute(
                "SELECT count(*) FROM accounts_user WHERE is_superuser"
            ).fetchone()
    except (OSError, sqlite3.Error, ValueError):
        return False
    return required <= applied and bool(administrators[0])
