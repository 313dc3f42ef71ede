"""The settings of an embedded instance, kept in its folder for programs that are started beside it.

`make run` writes down what it tells its own processes; `manage.py` reads it, so that it works on the same database, with
the same secret and through the same Redis, without anything exported. The secret itself stays in its own file.
"""

import json
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "instance.json"
SECRET_FILE = "secret-key"
# Whoever sets one of these says which portal is meant.
EXPLICIT = ("HEADNODE_SECRET_KEY", "HEADNODE_DEMO", "DATABASE_URL")
SETTINGS = "portal.settings"
# Told to single processes only, or kept elsewhere.
LEFT_OUT = ("HEADNODE_SECRET_KEY", "HEADNODE_ADMIN_PASSWORD")


def remember(var: Path, environment: Mapping[str, str]) -> None:
    """Write down what this instance tells its processes, readable by its owner only."""
    kept = {
        name: value
        for name, value in environment.items()
        if (name.startswith("HEADNODE_") or name in ("DATABASE_URL", "REDIS_URL")) and name not in LEFT_OUT
    }
    fresh = var / f".{FILE}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1, sort_keys=True)
    fresh.replace(var / FILE)  # whole or not at all


def adopt(environ: MutableMapping[str, str]) -> None:
    """Take over the settings of the instance in HEADNODE_VAR (`./var` when it is not set), where there is one.

    Does nothing when the environment already says which portal is meant. What the environment sets, stays.
    """
    if any(environ.get(name) for name in EXPLICIT):
        return
    if environ.get("DJANGO_SETTINGS_MODULE", SETTINGS) != SETTINGS:
        return
    var = Path(environ.get("HEADNODE_VAR", "").strip() or ROOT / "var").expanduser().absolute()
    try:
        secret = (var / SECRET_FILE).read_text(encoding="ascii").strip()
        kept = json.loads((var / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if not isinstance(kept, dict):
        return
    for name, value in kept.items():
        environ.setdefault(name, value)
    environ.setdefault("HEADNODE_SECRET_KEY", secret)
    environ["HEADNODE_VAR"] = str(var)
