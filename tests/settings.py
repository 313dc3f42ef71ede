"""portal.settings in a test environment: a folder of its own, a fixed secret, a cheap password hash.

Every test process makes its own folder, also under pytest-xdist; tests/conftest.py starts a real Redis in it.
Programs that tests start get `portal.settings` and an environment made for them (tests/stack.py), never this one.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

TEST_VAR = Path(tempfile.mkdtemp(prefix="headnode-test-"))
_owner = os.getpid()


def _remove_folder() -> None:
    if os.getpid() == _owner:  # not in a forked child
        shutil.rmtree(TEST_VAR, ignore_errors=True)


atexit.register(_remove_folder)

# Another database for the tests, made by scripts/with-postgres.
_database = os.environ.get("HEADNODE_TEST_DATABASE_URL")

for _name in [name for name in os.environ if name.startswith("HEADNODE_")] + ["DATABASE_URL", "REDIS_URL"]:
    os.environ.pop(_name, None)
os.environ.update(
    HEADNODE_VAR=str(TEST_VAR),
    HEADNODE_DEMO="1",
    # Tests ask as fast as they can, and their people have the same ids again and again. Started portals have limits.
    HEADNODE_API_REQUESTS_PER_PERSON="0",
    HEADNODE_API_REQUESTS_PER_ADDRESS="0",
    # The deadlines of most tests are about other limits. Started portals have the usual idle limit.
    HEADNODE_IDLE_MINUTES="0",
    HEADNODE_SECRET_KEY="only-for-tests-0123456789abcdefghijklmnopqrstuvwxyz",
)
if _database:
    os.environ["DATABASE_URL"] = os.environ["HEADNODE_TEST_DATABASE_URL"] = _database

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
HEADNODE_HAS_MAIL = True
if _database:
    # Tests end with the threads they started still holding connections; the database must be dropped all the same.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
else:
    # A file, not memory: with a shared in-memory database a second thread gets "table is locked" instead of waiting.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_VAR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
