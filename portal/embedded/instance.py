"""Save the settings of an embedded instance in its folder, so that `manage.py` can load them.

`make run` saves the environment of its processes. `manage.py` loads it, and so uses the same database, secret and Redis
without any exported variables. The secret itself stays in its own file.
"""

import json
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from portal.configuration.kinds import Folder
from portal.configuration.reader import KNOWN_NAMES
from portal.configuration.setting import WrongValue

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "instance.json"
SECRET_FILE = "secret-key"  # noqa: S105 (the name of a file)
# With one of these set, the environment already selects a portal.
EXPLICIT = ("HEADNODE_SECRET_KEY", "HEADNODE_DEMO", "DATABASE_URL")
SETTINGS = "portal.settings"
# For single processes only, or saved elsewhere.
LEFT_OUT = ("HEADNODE_SECRET_KEY", "HEADNODE_ADMIN_PASSWORD", "HEADNODE_NEW_PASSWORD")


def remember(var: Path, environment: Mapping[str, str]) -> None:
    """Save the environment of this instance's processes, readable by its owner only."""
    kept = {
        name: value
        for name, value in environment.items()
        if (name.startswith("HEADNODE_") or name in ("DATABASE_URL", "REDIS_URL")) and name not in LEFT_OUT
    }
    fresh = var / f".{FILE}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1, sort_keys=True)
    fresh.replace(var / FILE)  # atomic


def adopt(environ: MutableMapping[str, str]) -> None:
    """Load the settings of the instance in HEADNODE_VAR (`./var` if unset), if there is one.

    Does nothing if the environment already selects a portal. Variables that are set keep their values.
    """
    if any(environ.get(name) for name in EXPLICIT):
        return
    if environ.get("DJANGO_SETTINGS_MODULE", SETTINGS) != SETTINGS:
        return
    try:
        var = Folder().parse(environ.get("HEADNODE_VAR", "").strip() or str(ROOT / "var"))
        secret = (var / SECRET_FILE).read_text(encoding="ascii").strip()
        kept = json.loads((var / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, WrongValue):  # a wrong HEADNODE_VAR is reported by the settings
        return
    if not isinstance(kept, dict):
        return
    for name, value in kept.items():
        if name in KNOWN_NAMES:  # not one that only an earlier version knew
            environ.setdefault(name, str(value))
    environ.setdefault("HEADNODE_SECRET_KEY", secret)
    environ["HEADNODE_VAR"] = str(var)
