"""Make the secrets that containers share among themselves, once, each in a volume that only its users mount.

The database's password: for PostgreSQL as a file, for the portal as a libpq password file. The simulator's token.
"""

import os
import secrets
from pathlib import Path

POSTGRES = Path("/run/headnode-postgres/password")
PASSFILE = Path("/run/headnode-database/pgpass")
TOKEN = Path("/run/headnode-simulator/token")


def write(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    fresh.chmod(mode)
    fresh.replace(path)


def main() -> None:
    """Keep what is there."""
    if not POSTGRES.exists():
        # Readable for all in a volume that only PostgreSQL mounts: its user there has a number of its own.
        write(POSTGRES, secrets.token_urlsafe(32), 0o444)
    # PGPASSFILE must be readable for its owner only.
    write(PASSFILE, f"*:*:*:headnode:{POSTGRES.read_text()}\n", 0o600)
    if not TOKEN.exists():
        write(TOKEN, secrets.token_urlsafe(32) + "\n", 0o600)


if __name__ == "__main__":
    main()
